import { readFileSync } from 'node:fs'
import { type Locate, type Place, SallyportError } from '@sallyport/core'
import { type CityResponse, Reader } from 'mmdb-lib'

/** Where addresses are, from a local database in MaxMind's format; of countries only, or of cities. */
export function openGeoip(path: string): Locate {
  const reader = readDatabase(path)
  return (address) => {
    if (!/^[\d.]+$|:/.test(address)) return null
    const found = reader.get(address)
    return found && placeOf(found)
  }
}

function readDatabase(path: string): Reader<CityResponse> {
  try {
    return new Reader<CityResponse>(readFileSync(path))
  } catch (cause) {
    const message = `security.threat_detection.geoip_file: ${path} is no database in MaxMind's format that can be read`
    throw new SallyportError('config_invalid', message, { cause })
  }
}

function placeOf({ country, registered_country: registered, location }: CityResponse): Place {
  return {
    country: country?.iso_code ?? registered?.iso_code ?? null,
    latitude: location?.latitude ?? null,
    longitude: location?.longitude ?? null,
  }
}
