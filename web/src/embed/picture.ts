import { h } from './markup.ts'

/** A picture from a `data:` URL, painted, since strict pages show no such images. */
export async function picture(dataUrl: string, name: string): Promise<HTMLElement> {
  const bytes = Uint8Array.from(atob(dataUrl.slice(dataUrl.indexOf(',') + 1)), (one) => one.charCodeAt(0))
  const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
  const { width, height } = image
  const canvas = h('canvas', { width, height, role: 'img', 'aria-label': name, part: 'qr' })
  canvas.getContext('2d')!.drawImage(image, 0, 0)
  return canvas
}
