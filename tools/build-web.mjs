// What `npm run build:web` runs, for those who start the server by another way than `npm start`.
import { explaining } from './launcher/problem.mjs'
import { buildWeb } from './launcher/web.mjs'

await explaining(() => buildWeb(process.execPath))
