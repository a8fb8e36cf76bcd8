import { percent } from './decode.ts'
import { sign, type Look } from './look.ts'
import { rulesOf } from './rules.ts'

const rule = rulesOf('probe', {
  secret: [1, 5, 'a file with secrets, on no route', '/.env', '/env'],
  repository: [1, 5, 'a repository or editor folder, on no route', '/.git/config', '/git'],
  cms: [1, 5, 'a page of a CMS or admin tool, on no route', '/wp-login.php', '/login'],
  backup: [1, 5, 'a backup or dump, on no route', '/backup.sql.zip', '/backup'],
  script: [2, 5, 'a server-side script, on no route', '/shell.php', '/shell'],
  device: [1, 5, 'a known weak spot of a device or framework, on no route', '/cgi-bin/luci', '/login']
})

const SECRET = /(?:^|\/)(?:\.env(?:$|[./_-])|\.?aws\/|\.ssh\/|id_rsa|\.htpasswd|\.htaccess|\.npmrc|\.netrc|\.pypirc|\.docker\/|\.dockerenv|credentials(?:\.json)?$|secrets?\.(?:json|ya?ml|env|php)|web\.config$|appsettings[\w.]*\.json$|config\.(?:php|inc|ya?ml|env|bak|ini)$|\.bash_history|\.ftpconfig|sftp-config\.json|_vti_pvt\/|latest\/(?:meta-data|user-data)|storage\/logs\/|\.history$|wp-config|settings\.local\.json|mcp\.json$|etc\/(?:passwd|shadow)|proc\/|sys\/class|@fs\/|@id\/|database\.yml$|\.kube\/|[\w-]+\.(?:pem|key|p12|pfx|kdbx)$|\.well-known\/openid-configuration\.)/i
const REPOSITORY = /(?:^|\/)\.(?:git|svn|hg|bzr|cvs|idea|vscode|DS_Store|gitignore|cursor(?:ignore)?|aiignore|aider|cline|claude|continue|windsurf|roo|junie|kiro|n8n|plandex|opencode|codex|copilot|gemini|ds_store|project|settings|terraform|circleci|github)(?:$|[/._-])|(?:^|\/)CVS\/|\.fabric\//i
const CMS = /(?:^|\/)(?:wp-(?:admin|login|includes|content|json\/wp\/v2\/users|cron|config|trackback|signup)|wordpress\/|xmlrpc\.php|phpmyadmin|pma\/|adminer|myadmin|mysqladmin|dbadmin|administrator\/|joomla|drupal|typo3|magento|user\/register|sites\/default\/|umbraco|sitecore|manager\/html|host-manager|phpinfo|info\.php|server-(?:status|info)$|_profiler|actuator(?:\/|$)|jenkins|solr\/|jmx-console|web-console|invoker\/|console\/login|_ignition|telescope\/|horizon\/|elmah\.axd|trace\.axd|hudson|axis2|struts|owa\/|ecp\/|autodiscover|vendor\/phpunit|kcfinder|fckeditor|ckfinder|ueditor|tinymce\/plugins|_vti_bin|_vti_pvt|aspnet_client|jolokia|heapdump$|seeyon|nagios\/|zabbix\/|app_dev\.php|eval-stdin|configuration\.php|(?:c99|r57|b374k|wso|shell|cmd|webshell|backdoor|fileupload|upload|test|php|pi)\d*\.php$|login\.action$)/i
const BACKUP = /\.(?:sql(?:\.(?:gz|zip|bz2|7z))?|bak|old|swp|swo|mdb)$|(?:^|\/)(?:backup|dump|database|public_html|wwwroot|www|site|htdocs|web|website)[\w-]*\.(?:zip|gz|tar|tgz|rar|7z|db|tar\.gz)|(?:^|\/)(?:debug|errors?|access)[._]log$|\w~$/i
const SCRIPT = /\.(?:php\d?|phtml|asp|aspx|ashx|asmx|jsp|jspx|jspa|do|action|cgi|pl|cfm)(?:$|[/;])/i
const DEVICE = /(?:^|\/)(?:cgi-bin\/|boaform|HNAP1|GponForm|setup\.cgi|goform\/|hudson|dana-na|remote\/(?:login|fgt_lang)|\+CSCOE\+|luci|portal\/redlion|tmui\/|mgmt\/tm|solr\/admin|druid\/|nacos\/|geoserver|wls-wsat|_async\/|api\/jsonws|securityRealm|containers\/json|v2\/_catalog|evox\/|nmaplowercheck|Trinity|setup\/eureka_info|aspera\/|ReportServer|WebInterface|sslmgr|tmUnblock|global-protect\/|vpn\/index\.html|\+CSCOT\+|ews\/exchange|Telerik\.Web|thinkphp|_cat\/(?:indices|nodes|health)|nmap\/folder|UploadServlet|shell\?cd)|[?&]s=\/?index\/[\\/]*think/i

/** Paths that scanners ask for; only where the application has no route for them. */
export function probe (look: Look, raw: string): boolean {
  const path = percent(raw)
  look.text = path
  look.name = ''
  look.score = 0
  if (look.signs.length > 0) look.signs = []
  const tests: ReadonlyArray<readonly [RegExp, keyof typeof rule]> = TESTS
  for (const [pattern, name] of tests) {
    const found = pattern.exec(path)
    if (found !== null) sign(look, rule[name], found.index, found.index + found[0].length)
    if (look.score >= look.threshold) return true
  }
  return false
}

const TESTS: ReadonlyArray<readonly [RegExp, keyof typeof rule]> = [[SECRET, 'secret'], [REPOSITORY, 'repository'], [CMS, 'cms'], [BACKUP, 'backup'], [SCRIPT, 'script'], [DEVICE, 'device']]
