// The program behind `npm start`, `npm test` and the other scripts of the root. Plain JavaScript that
// any Node from 18 on can run, without a single package: it is what brings the packages.
const major = Number(process.versions.node.split('.')[0])

if (major < 18) {
  console.error(
    `sallyport: this machine's Node is ${process.versions.node}, too old even to fetch a newer one: install Node 24 (or at least 18) and run the same command again.`,
  )
  process.exitCode = 1
} else {
  import('./launcher/main.mjs').then(({ main }) => main(process.argv.slice(2)))
}
