import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import { createPage } from './page.ts'
import { createSallyport } from './sallyport.ts'
import { createUsers } from './users.ts'

const { SALLYPORT_URL: url = 'http://127.0.0.1:8080', SALLYPORT_KEY: key, PORT: port = '3001' } = process.env

if (key === undefined) {
  console.error(`embed: no API key. Make one, and start again:

  SALLYPORT_KEY=$(npx sallyport apikey create --name embed --app shop \\
    --scope mfa:read,mfa:write --json | jq -r .key) npm run demo:embed`)
  process.exit(2)
}

const password = 'correct horse battery staple'
const checkPassword = await createUsers({ ada: password, grace: password })
const server = createApp({ checkPassword, sallyport: createSallyport({ url, key }), page: createPage(url) })
// By name, since browsers take security keys on no bare address.
server.listen(Number(port), 'localhost', () => {
  const { port } = server.address() as AddressInfo
  console.log(`The app with the embedded dialogs is running: http://localhost:${port}/`)
})
