/** The server says in English what is wrong with a field; what is not known stays as it is. */
export function translateFault(said: string, faults: Readonly<Record<string, string>>): string {
  const pattern = Object.keys(faults).find((key) => new RegExp(`^${key}$`).test(said))
  return pattern === undefined ? said : said.replace(new RegExp(pattern), faults[pattern]!)
}
