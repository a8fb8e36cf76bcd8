import { K } from './keywords.ts'
import { signIf, type Look } from './look.ts'
import * as place from './place.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('file-inclusion', {
  wrapper: [1, 5, "one of PHP's stream wrappers", 'php://filter/convert.base64-encode/resource=index.php', 'the php manual'],
  data: [1, 5, 'a data: URL that carries a script', 'data:text/plain;base64,PD9waHAgcGhwaW5mbygpOw==', 'data:image/png;base64,iVBORw0KGgo='],
  remote: [1, 5, 'a remote script for a parameter that is included', 'http://evil.example/shell.txt?', '/help.txt'],
  bare: [1, 5, 'the start of a URL with nothing behind it, as scanners send it', 'https?', 'http or https?'],
  share: [1, 5, 'a file on a Windows share', '\\\\10.0.0.1\\share\\x.php', 'a\\\\b'],
  script: [2, 5, 'a URL of a script or text file', 'http://evil.example/shell.txt', 'http://example.com/help.html'],
  address: [2, 5, 'a URL with an address for a host', 'http://93.184.216.34/x', 'http://example.com/x']
})

export function mayBeInclusion (look: Look): boolean {
  return ((look.words & (K.SCHEME | K.WEB | K.SCRIPT_SCHEME)) !== 0 && (look.chars & C.COLON) !== 0) || (look.pairs & P.BACKSLASHES) !== 0 ||
    ((look.words & (K.SCHEME | K.WEB)) !== 0 && (look.chars & C.BANG) !== 0 && look.count < 3)
}

const WRAPPER = /(?:^|[^a-z0-9])(?:php:\/\/(?:filter|input|stdin|stdout|memory|temp|output|fd)|(?:phar|expect|zip|ogg|rar|ssh2(?:\.\w+)?|compress\.(?:zlib|bzip2)|glob|zlib|bzip2):\/\/[^\s]|(?:php|phar|expect|compress\.zlib):\/\/)/i
const DATA = /(?:^|[=:,'"(/\s])data:(?:\/\/)?(?:text\/(?:plain|x-php)|application\/(?:x-httpd-php|x-php|octet-stream)|;base64,|,\s*<\?)/i
const REMOTE_SCRIPT = /^(?:https?|ftps?|sftp):\/*[^\s?#/][^\s?#]*(?:\.(?:txt|php\d?|phtml|inc|log|gif|jpe?g|png|dat|asp|jsp|cgi|pl)\??$|\?$)/i
/** Names that web shells go by. */
const SHELLS = /^(?:https?|ftps?):\/\/[^\s?#]{1,200}\/(?:c99|c100|r57|b374k|wso\d*|weevely\d*|p0wny|(?:web|php|reverse|rev|simple|cmd)?[_-]?shell\d*|backdoor|cmd|evil|exploit|malicious|payload|rfi\w{0,9})\.(?:txt|php\d?|phtml|gif|jpe?g|png|inc|dat|asp|jsp|sh|py|pl)\b/i
const ADDRESS_SCRIPT = /^(?:https?|ftps?):\/\/(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])(?::\d+)?\/[^\s]*\.(?:php\d?|txt|phtml|inc|jsp|asp|sh|py|pl|exe|cgi)\b/i

export function fileInclusion (look: Look): void {
  const { text } = look
  if ((look.words & K.SCHEME) !== 0 && signIf(look, rule.wrapper, WRAPPER)) return
  if ((look.words & (K.SCHEME | K.WEB)) !== 0) {
    const query = (look.place & (place.QUERY | place.FORM | place.VALUE | place.JSON_VALUE)) !== 0 && (look.place & (place.NAME | place.REFERER)) === 0
    if (query) {
      if (/^(?:(?:https?|ftps?|file):?\/*\?|file:\/{2,3})$/i.test(text)) signIf(look, rule.bare, /^/)
      if (ADDRESS_SCRIPT.test(text)) signIf(look, rule.remote, ADDRESS_SCRIPT)
      else if (SHELLS.test(text)) signIf(look, rule.remote, SHELLS)
      else if ((look.place & place.JSON_VALUE) === 0 && text.endsWith('?') && /^(?:https?|ftps?):\/\/[^\s?]+\?$/i.test(text)) signIf(look, rule.remote, /^/)
      else if ((look.place & place.INCLUDES) !== 0) signIf(look, rule.remote, REMOTE_SCRIPT)
      if (/absolute_path|base_?path|_conf\[|^inc(?:lude)?$|template|php_path|document_root|^_(?:GET|REQUEST|SERVER|CONF)/i.test(look.name)) signIf(look, rule.remote, /^(?:https?|ftps?):\/\/\S+$/i)
      signIf(look, rule.remote, /^(?:https?|ftps?):\/\/[^\s?#]{1,200}\.(?:php\d?|jsp|aspx?|txt)\?(?:cmd|exec|command|shell)=/i)
      if (/^ftps?:\/\/\d/i.test(text)) signIf(look, rule.remote, /^/)
      signIf(look, rule.script, /^(?:https?|ftps?):\/*[^\s?#/]+\/[^\s?#\0]*\.(?:txt|php\d?|phtml|inc|jsp|asp|sh|cgi|pl)(?:[?\0].*)?$/i)
      signIf(look, rule.address, /^(?:https?|ftps?):\/\/(?:\d{1,3}(?:\.\d{1,3}){3}|\[?[0-9a-f]*:[0-9a-f:]+)/i)
    }
  }
  if ((look.words & K.SCRIPT_SCHEME) !== 0) signIf(look, rule.data, DATA)
  if ((look.pairs & P.BACKSLASHES) !== 0) signIf(look, rule.share, /^\\\\[\w.-]+\\[\w$.-][\w$.\\-]*$/)
}
