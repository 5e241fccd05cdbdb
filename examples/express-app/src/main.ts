import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import { createSallyport } from './sallyport.ts'
import { createUsers } from './users.ts'

const { SALLYPORT_URL: url = 'http://127.0.0.1:8080', SALLYPORT_KEY: key, PORT: port = '3000' } = process.env

if (key === undefined) {
  console.error(`express-app: no API key. Make one, and start again:

  SALLYPORT_KEY=$(npx sallyport apikey create --name express --app express-app \\
    --scope mfa:read,mfa:write --json | jq -r .key) npm run demo:express`)
  process.exit(2)
}

const users = await createUsers({ ada: 'correct horse battery staple', grace: 'the first compiler of all' })
const server = createApp({ users, sallyport: createSallyport({ url, key }) }).listen(
  Number(port),
  '127.0.0.1',
  (error) => {
    if (error) throw error
    const address = server.address() as AddressInfo
    console.log(`The express app is running: http://127.0.0.1:${address.port}/`)
  },
)
