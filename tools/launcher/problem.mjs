/** Something the person at the keyboard can mend. Its message is the whole of what they are shown. */
export class Problem extends Error {}

export function say(line) {
  process.stderr.write(`sallyport: ${line}\n`)
}

/** Runs `work`; a `Problem` becomes one clear sentence and exit code 1. */
export async function explaining(work) {
  try {
    process.exitCode = await work()
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    say(error.message)
    process.exitCode = 1
  }
}

/** What a failed write in `folder` means, or `null` when the error is of another kind. */
export function writeProblem(code, folder) {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new Problem(
        `there is no disk space left for ${folder}: free about 1 GB and run the same command again.`,
      )
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
    case 'EEXIST':
    case 'ENOTDIR':
      return new Problem(
        `${folder} cannot be written (${code}): make it writable for this user, or copy Sallyport to a folder that is, and run the same command again.`,
      )
    default:
      return null
  }
}
