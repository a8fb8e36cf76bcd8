#!/usr/bin/env node
import { main } from './main.ts'

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => { process.stdout.write(text) },
  err: (text) => { process.stderr.write(text) },
  stdin: process.stdin,
  cwd: process.cwd(),
  env: process.env,
  interactive: process.stderr.isTTY === true
})
