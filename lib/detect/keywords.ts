/** Classes of known words, as bits of `Scan.words`. */
export const K = {
  LOGIC: 1, SQL: 1 << 1, SQL_CALL: 1 << 2, SQL_META: 1 << 3, SHELL: 1 << 4, SHELL_SURE: 1 << 5, WINDOWS: 1 << 6, SINK: 1 << 7,
  TAG: 1 << 8, EVENT: 1 << 9, SCRIPT_SCHEME: 1 << 10, CODE: 1 << 11, TEMPLATE: 1 << 12, FILE: 1 << 13, SCHEME: 1 << 14, HOST: 1 << 15,
  PROTO: 1 << 16, LOOKUP: 1 << 17, XML: 1 << 18, HEADER: 1 << 19, OPERATOR: 1 << 20, SERIAL: 1 << 21, HTTP: 1 << 22, MAIL: 1 << 23,
  JAVA: 1 << 24, DOM: 1 << 25, EXTENSION: 1 << 26, SQL_LEAD: 1 << 27, WEB: 1 << 28, RUNTIME: 1 << 29
} as const

/** Words of English that are also commands: they count only with a command's surroundings. */
export const SHELL_WORDS = 'cat ls id ps who find sleep echo time sort tail head more less kill set top w at host dig last cut join split date env man ' +
  'nice open start type test true false yes export alias eval exec read tee touch make file link mount watch expand fold paste script screen write ' +
  'mail ping git go node service reboot halt shutdown login logout finger users groups uptime free df du cp mv rm ln dd ed ex vi pg nl od tr wc bc dc ' +
  'sum factor seq pr jobs source time dir del copy move ver vol net cls ren attrib print help call for if rev look cmp diff patch comm stat uniq strings ' +
  'command bg fg cd pwd hash history let local printf return shift trap wait unset ulimit umask su sed awk ip ss lp apt aptitude snap pip gem npm composer docker ' +
  'java expr chef irb rmt gcc ld ar as c89 c99 cc tar zip ar7 scp ssh ftp telnet rsync crash batch capsh cpan easy slsh zip pic view arch tty service bridge perf tree reg sc where whois jq yq aws gcloud helm puppet knife salt calc logger pinky compgen declare rake bundle yarn pnpm brew emerge flatpak'

/** Words that mean a command wherever they follow a separator. */
export const SHELL_SURE_WORDS = 'whoami ifconfig ipconfig uname wget curl netstat nslookup bash sh zsh ksh csh dash tcsh fish nc ncat netcat socat python python2 python3 perl ruby php ' +
  'lua chmod chown chgrp useradd adduser passwd sudo systeminfo tasklist hostname lsof nmap tcpdump traceroute tracert busybox base64 xxd hexdump gzip gunzip ' +
  'bunzip2 xterm nohup crontab systemctl journalctl iptables printenv rmdir mkdir xargs egrep fgrep grep zcat tac gawk mawk nawk killall pkill pgrep lsblk lscpu lsmod ' +
  'getent ldd gdb strace ltrace openssl mysql psql mongo sqlite3 mysqldump kubectl arp route vim emacs nano htop mkfifo mknod insmod modprobe fdisk mkfs iwr iex gci gwmi sls msiexec ' +
  'regedit certutil bitsadmin wmic mshta rundll32 regsvr32 powershell pwsh cmd cscript wscript schtasks bcdboot lastlog lastlogin lolcat gcore timeout setsid stdbuf readlink ' +
  'realpath dmesg ipcs lshw lspci lsusb vmstat iostat dpkg rpm yum dnf apk pacman aptget phpinfo locate whereis unxz unzip unlzma xz xzcat zless zmore bzcat csplit ' +
  'shred shuf lua5 tclsh wish jrunscript jjs rlwrap script gtester nsenter unshare chroot flock ionice taskset iwmi systeminfo ' +
  'ansible hostnamectl timedatectl loginctl lsattr chattr getfacl setfacl lsb_release lastb pstree nproc stty logname lsns lsmem blkid parted mkswap swapon swapoff losetup mdadm sshd sshfs autossh telnetd ' +
  'dhclient iwconfig ethtool nmcli nft ufw ebtables tshark hping3 masscan gobuster nikto sqlmap msfconsole msfvenom proxychains pkexec cscli visudo vipw vigr usermod userdel groupadd groupdel gpasswd chpasswd ' +
  'chage chsh newgrp runuser setcap getcap setarch ldconfig objdump readelf bpftrace arping fping mtr tcptraceroute rlogin rexec lftp aria2c xdotool cpio 7za 7zr unrar lz4 zstd pigz bzip2 zgrep bzgrep xzgrep uuencode ' +
  'uudecode base32 md5sum sha1sum sha256sum sha512sum cksum dos2unix nodejs npx pip3 rustc javac podman buildah skopeo crictl runc gsutil pg_dump sqlplus mysqladmin mongodump cqlsh tmux rvim vimdiff agetty atq atrm ' +
  'anacron logrotate ncdu nethogs iftop iotop sysctl smartctl hdparm zypper pkgutil sudoedit setpriv pdflatex ffmpeg phpize fusermount setfattr getfattr inotifywait gnutls driverquery nltest nbtstat gpresult findstr ' +
  'notepad taskkill icacls cacls takeown diskpart bcdedit wevtutil vssadmin cmdkey dsquery gpupdate netsh pathping getmac qwinsta quser rasdial regini robocopy xcopy runas winrm winrs xwizard msbuild installutil regasm ' +
  'regsvcs cmstp odbcconf pcalua forfiles fodhelper mavinject pnputil diskshadow esentutl extrac32 makecab mtrr acpi lpadmin chronyc tcpkill rpcinfo showmount smbclient enum4linux snmpwalk ldapsearch kinit childitem'

const WORDS: ReadonlyArray<readonly [bits: number, words: string]> = [
  [K.LOGIC, 'or and xor not like rlike regexp between div mod is in glob having sounds collate exists null true false'],
  [K.SQL, 'pragma select union insert update delete drop alter create truncate replace exec execute declare waitfor merge grant revoke shutdown from where order group ' +
    'procedure limit values into case when then handler backup restore kill begin goto rename load intersect except minus prepare set call desc distinct returning analyze if'],
  [K.SQL_LEAD, 'select union insert delete drop alter truncate exec execute declare waitfor shutdown having procedure rlike regexp merge outfile'],
  [K.WEB, 'http https ws wss mailto'],
  [K.SQL_CALL, 'sleep benchmark concat concat_ws group_concat char chr ascii ord hex unhex substr substring mid cast convert load_file count version database user ' +
    'current_user session_user system_user schema schema_name user_name db_name extractvalue updatexml if ifnull nullif isnull coalesce greatest least elt make_set field md5 sha1 sha2 ' +
    'length char_length bit_length lower upper lcase ucase ltrim rtrim trim lpad rpad left right instr locate position reverse repeat replace strcmp conv bin oct ' +
    'row_count found_rows last_insert_id now sysdate curdate curtime getdate floor rand round exp pow power abs sin cos tan ln log log10 sqrt sign ceiling ' +
    'json_keys json_extract json_search json_array json_valid randomblob zeroblob quote typeof likely unlikely string_agg array_agg unnest xmltype dbms_pipe name_const ' +
    'pg_sleep compress uncompress encode decode aes_encrypt aes_decrypt password old_password encrypt openrowset opendatasource procedure values iif nvl suser_name host_name to_char sys_context regexp_substr regexp_like analyse current_database load_extension starts_with unhex ifnull interval bool_and unistr overlay lo_get lo_import'],
  [K.SQL_META, 'information_schema sysobjects syscolumns sysusers sysdatabases xp_cmdshell xp_dirtree xp_regread xp_fileexist xp_subdirs sp_executesql sp_password sp_oacreate sp_configure sp_makewebtask pg_catalog pg_sleep ' +
    'pg_user pg_shadow pg_read_file pg_ls_dir pg_database pg_tables sqlite_master sqlite_schema sqlite_version all_tables user_tables all_tab_columns user_tab_columns all_users dba_users rdb msysaccessobjects ' +
    'msysobjects systables sysibm syscat utl_http utl_inaddr utl_smtp dbms_pipe dbms_lock dbms_ldap dbms_java dbms_xmlgen dbms_utility dbms_scheduler ctxsys ordsys outfile dumpfile load_file lo_import lo_export lo_get lo_put ' +
    'table_schema table_name column_name schemata benchmark waitfor extractvalue updatexml master msdb northwind tempdb openrowset randomblob nvarchar varchar xmltype name_const'],
  [K.SHELL, SHELL_WORDS],
  [K.SHELL_SURE, SHELL_SURE_WORDS],
  [K.SHELL_SURE, 'ifs passthru comspec bin dev tmp etc invoke childitem'],
  [K.WINDOWS, 'dir del copy move ver vol net cls ren attrib print type cmd powershell pwsh comspec systemroot systemdrive windir programfiles for if start certutil bitsadmin wmic iex iwr icm gci ' +
    'invoke get new start_process downloadstring downloadfile webclient encodedcommand expression'],
  [K.SINK, 'alert prompt confirm eval settimeout setinterval function execscript write writeln fetch atob btoa import expression msgbox print onerror throw'],
  [K.DOM, 'navigator document window self top parent frames globalthis this location cookie domain innerhtml outerhtml localstorage sessionstorage constructor fromcharcode xmlhttprequest ' +
    'createelement appendchild queryselector getscript globaleval navigation reflect valueof tostring domcontentloaded importscripts'],
  [K.TAG, 'script iframe svg img body object embed applet meta base link style form input button video audio math isindex frame frameset marquee bgsound layer ilayer html ' +
    'textarea select details keygen animate set image vmlframe template noscript xss a div table td import dialog plaintext xml'],
  [K.SCRIPT_SCHEME, 'javascript vbscript livescript mocha jscript data feed'],
  [K.CODE, 'usleep thread println response getattr memory_limit precision smtp engine unserialize_max_depth mbstring suhosin open_basedir safe_mode display_errors error_log extension_dir sendmail_path zend intval gzdecode filegroup fileperms fileowner ' +
    'is_array is_int is_string array_diff array_walk uasort uksort scandir opendir glob symlink fputs fwrite curl_exec parse_str extract system exec passthru shell_exec popen proc_open pcntl_exec phpinfo assert preg_replace create_function call_user_func call_user_func_array file_get_contents file_put_contents ' +
    'fopen readfile highlight_file show_source base64_decode gzinflate gzuncompress str_rot13 move_uploaded_file fsockopen pfsockopen eval include require include_once require_once ' +
    'php echo print print_r var_dump die exit unserialize __import__ subprocess os compile execfile child_process execsync spawn spawnsync mainmodule binding process constructor global_process ' +
    'require fork _load readfilesync readdirsync writefilesync function while atob kernel io open popen3 fiddle instance_eval send backticks getenv putenv gethostbyname chr array_map array_filter usort ' +
    'ini_set opcache posix_getpwuid allow_url_include auto_prepend_file auto_append_file disable_functions session info console _get _post _request _server _cookie _files globals then _response'],
  [K.JAVA, 'groovyshell groovyclassloader urlclassloader methodaccessor java javax runtime processbuilder getruntime classloader springframework ognl invokertransformer scriptenginemanager bytearrayoutputstream beans sun apache xstream objectinputstream'],
  [K.TEMPLATE, 'smarty foreach parse evaluate print groovy config self lipsum cycler joiner namespace request __class__ __mro__ __subclasses__ __globals__ __builtins__ __init__ __import__ subclasses mro class getclass forname freemarker ' +
    'execute assign include import extends if for set each range dump app _self env registerundefinedfiltercallback getfilter filter map sort reduce constructor system file_excerpt ' +
    'process mainmodule global root settings handler application session url_for get_flashed_messages raw puts ruby php math velocity inspect type collect tostring stringutil randomutils new'],
  [K.FILE, 'dev dockerenv programdata plandex cline aider kiro windsurf roo claude junie opencode codex copilot gemini fabric cursorignore aiignore sql tomcat yml parameters ntuser spool run etc passwd shadow group hosts proc self environ var log windows win winnt system32 boot ini web inf htpasswd htaccess ssh id_rsa aws credentials git env config php root home ' +
    'authorized_keys bash_history cmdline version fd inetpub sam access error httpd apache apache2 nginx my cnf tmp sess sys usr opt kube docker'],
  [K.SCHEME, 'ftp ftps sftp file gopher dict php phar ldap ldaps jar zip data expect glob ogg rar ssh2 netdoc tftp imap imaps pop3 smtp rtmp rtsp smb rtsp telnet ldapi filter input zlib bzip2 compress'],
  [K.HOST, 'loopback local lan corp intranet arpa consul svc oast localhost localhost4 localhost6 localdomain metadata localtest lvh nip xip sslip instance burpcollaborator oastify ' +
    'internal meta compute computemetadata internal127 vcap lacolhost readme ip6 ipv6 spoofed'],
  [K.PROTO, '__class__ __mro__ __dict__ __globals__ __builtins__ __subclasses__ __bases__ __reduce__ __getattribute__ __proto__ __pro__proto__to__ constructor prototype __definegetter__ __definesetter__ __lookupgetter__'],
  [K.LOOKUP, 'java log4j jndi ldap ldaps rmi dns iiop corba nis lower upper env sys ctx date main base64 bundle docker k8s kubernetes marker spring web nds map sd event url xml properties resourcebundle urldecoder urlencoder base64decoder base64encoder localhost file script const'],
  [K.XML, 'doctype entity system public xinclude xi xsl stylesheet document exsl copy function attlist element notation xslt cdata schemalocation'],
  [K.HEADER, 'cookie location length type refresh host connection encoding http content set link expires status addr remote_addr access control allow'],
  [K.HTTP, 'http get post head put options trace connect delete'],
  [K.MAIL, 'mail rcpt ehlo helo vrfy authenticate append status retr apop top list dele uidl uid fetch store select examine from to cc bcc auth login noop quit stat user pass subject'],
  [K.OPERATOR, 'var obj object xmlparser _query_ _val_ load csv call detach optional contains eval redis painless ne gt gte lt lte nin in eq where regex exists or nor not and elemmatch text expr function accumulator all size type mod options jsonschema sleep return this db lookup match group'],
  [K.SERIAL, '__js_function nd_func nd_cc serializable serialization hibernate void clr py json_class tag nashorn expandedwrapper dynamic sorted javaclass o a c rO0ABQ gASV stdclass posix system builtins object ruby python type ndfunc _nd_func_ nd_func__ subprocess objectdataprovider viewstate xmldecoder yaml new marshal pickle'],
  [K.RUNTIME, 'eval load loadstring printf reflection globals locals vars breakpoint sys platform importlib urllib pickle cpickle marshal yaml shelve dill joblib jsonpickle shutil ctypes pty socket timeit time runpy getenv getproperty forname groovy ' +
    'groovyshell groovyclassloader urlclassloader initialcontext processbuilder scriptenginemanager execute routing redirect action redirectaction context methodaccessor allowstaticmethodaccess x qx send dir env open puts print loadlib ' +
    'diagnostics start createobject activexobject wscript activator assembly command syscall cmd deno bun stdout stderr reflect md5 sha1 crc32 phpversion php_uname die exit echo __class__ __mro__ __dict__ __globals__ __builtins__ ' +
    '__subclasses__ __base__ __bases__ __init__ __code__ __self__ __reduce__ __getattribute__ __import__ __module__ os io system erlang eval_string id ls cat whoami uname sh'],
  [K.EXTENSION, 'php php3 php4 php5 php7 php8 phtml phps pht phar jsp jspx asp aspx ashx asmx cer asa cgi pl py sh exe bat cmd dll jar war htaccess config shtml cfm swf so ps1 vbs scr hta inc bak yml env ini log']
]

export const SLOTS = 4096
export const keywordHashes = new Int32Array(SLOTS)
export const keywordBits = new Int32Array(SLOTS)

/** The hash that `scan` computes of a word: of its lower case. */
export function hashOf (word: string): number {
  let hash = 0
  for (let i = 0; i < word.length; i++) hash = (Math.imul(hash, 31) + word.charCodeAt(i)) | 0
  return hash
}

for (const [bits, words] of WORDS) {
  for (const word of words.toLowerCase().split(' ')) {
    const hash = hashOf(word)
    let slot = hash & (SLOTS - 1)
    while (keywordHashes[slot] !== 0 && keywordHashes[slot] !== hash) slot = (slot + 1) & (SLOTS - 1)
    keywordHashes[slot] = hash
    keywordBits[slot] = (keywordBits[slot] ?? 0) | bits
  }
}
