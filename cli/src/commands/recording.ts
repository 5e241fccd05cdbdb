import type { Command } from 'commander'
import { addGroup } from './common.ts'
import { exportCommand, playCommand } from './recording-content.ts'
import { keygenCommand } from './recording-keygen.ts'
import { listCommand, showCommand } from './recording-list.ts'
import { verifyCommand } from './recording-verify.ts'

export function addRecordingCommands(program: Command): void {
  addGroup(program, {
    name: 'recording',
    description: 'list, verify, play and export what serial gates recorded',
    commands: [
      listCommand(),
      showCommand(),
      verifyCommand(),
      playCommand(),
      exportCommand(),
      keygenCommand(),
    ],
  })
}
