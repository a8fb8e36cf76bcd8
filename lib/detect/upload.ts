import { signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C } from './scan.ts'

const rule = rulesOf('upload', {
  executable: [1, 5, 'a file name that a server would run', 'shell.php (as file name)', 'php.txt (as file name)'],
  double: [1, 5, 'an executable extension before another', 'shell.php.jpg (as file name)', 'photo.2020.jpg (as file name)'],
  config: [1, 5, 'a file that configures the server', '.htaccess (as file name)', 'access.md (as file name)'],
  session: [1, 5, "a file of PHP's sessions", '/tmp/sess_abcdef0123456789abcd (as file name)', 'session.txt (as file name)'],
  trick: [1, 5, 'a stream, NUL or trailing dot in a file name', 'shell.asp::$data (as file name)', 'a: b.txt (as file name)']
})

export function mayBeUpload (look: Look): boolean {
  return (look.place & place.FILE_NAME) !== 0
}

export function upload (look: Look): void {
  if ((look.chars & C.DOT) !== 0) {
    signIf(look, rule.executable, /\.\s*(?:php|phps|pht|phtm|phtml|phar|jspx?|jspf|jsw|jsv|aspx?|asax|svc|soap|cshtml|vbhtml|razor|pgif|lnk|scf|reg|ashx|asmx|asa|asax|cer|cdx|ascx|axd|rem|vbhtm|config|jhtml|jse|yaws|erb|elf|dbm|mht|mhtml|chm|user\.ini|htaccess|cfml?|cfc|cgi|pl|shtml?|stm|hta|htr|exe|bat|cmd|com|scr|vbs|vbe|wsf|wsh|ps1|psm1|msi|jar|war|sh|bash|py|pyc|rb|swf|svgz|so|dll|inc)\d*[\s.;%\u0000/\\:$]*$/i)
    signIf(look, rule.double, /\.\s*(?:php|phtml|phar|jspx?|aspx?|asa|cer|cgi|shtml|exe)(?:\d*[.;%\u0000/:\s?#])|[\u202a-\u202e\u2066-\u2069]/i)
  }
  signIf(look, rule.config, /(?:^|[\\/])\s*(?:\.ht(?:access|passwd)|\.user\.ini|web\.config|php\.ini|crossdomain\.xml|clientaccesspolicy\.xml|\.env|\.git|\.boto|\.npmrc|wp-config[._ -]|config\.(?:yml|yaml|json|php|inc)|settings\.\s*(?:php|py)|authorized_keys|id_(?:rsa|dsa|ecdsa|ed25519)$|\.(?:bashrc|bash_profile|profile|zshrc|gitconfig|netrc|pypirc)$|uwsgi\.ini)/i)
  signIf(look, rule.session, /(?:^|[\\/])sess_[a-z0-9,-]{20,}$/i)
  signIf(look, rule.trick, /::\$(?:data|index)|^\s*\|\s*\w|\u0000|\.(?:asp|php|jsp)x?;|[\r\n]\s*[\w-]+:/i)
}
