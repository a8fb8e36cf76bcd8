/**
 * Calls by which code of one language shows itself, beyond those of PHP and Node. All are for short texts: articles and stack traces
 * name the same functions. None starts with an open repetition, so that each reads a text once.
 */

/** Reflection, imports and ends of Python; names with double underscores are reached in no other language. */
export const PYTHON = /(?:^|[^\w.])(?:globals|locals|vars|breakpoint|dir|help)\s*\(\s*\)|\b(?:sys\s*\.\s*(?:exit\s*\(|modules\s*\[|argv\s*\[|stdout\s*\.)|platform\s*\.\s*(?:node|system|platform|uname|release|version)\s*\(|importlib\s*\.\s*(?:import_module|reload)|urllib\d?\s*\.\s*(?:request\s*\.|urlopen\s*\()|(?:c?[pP]ickle|marshal|yaml|shelve|dill|joblib|jsonpickle)\s*\.\s*(?:loads?|unsafe_load|decode|full_load)\s*\(|shutil\s*\.\s*(?:rmtree|copy\w*|move)\s*\(|ctypes\s*\.\s*\w|pty\s*\.\s*spawn|socket\s*\.\s*socket\s*\(|timeit\s*\.\s*timeit\s*\(|time\s*\.\s*sleep\s*\(|runpy\s*\.\s*run|os\s*\.\s*(?:remove|unlink|getcwd|getenv|kill|uname|getuid|fork|chmod|rename|mkdir|walk|scandir)\s*\()|\w\s*\)?\s*\.\s*__(?:class|mro|dict|globals|builtins|subclasses|bases?|init|code|self|reduce|getattribute|import|module|call)__|__(?:builtins|globals)__\s*[.[]/

/** Reflection, the environment and the end of the virtual machine, in Java, Groovy and the settings of Spring and Struts. */
export const JAVA = /\bSystem\s*\.\s*(?:exit\s*\(\s*-?\d|getenv\s*\(|getProperty\s*\(\s*["']|load(?:Library)?\s*\(\s*["'])|\bClass\s*\.\s*forName\s*\(\s*["']|\bgroovy\.(?:lang|util)\.\w|\bnew\s+(?:groovy\.lang\.)?(?:GroovyShell|GroovyClassLoader|URLClassLoader|InitialContext|ScriptEngineManager|ProcessBuilder)\s*\(|["'\])]\s*\.\s*execute\s*\(\s*\)|\bspring\.cloud\.function\.routing-expression\b|^(?:redirect|action|redirectAction)\s*:\s*[$%#]\{|#context\s*\[|xwork\.MethodAccessor|allowStaticMethodAccess/

/** Ruby, Perl and Lua: quoted commands, pipes opened as files, calls by name. */
export const RUBY = /(?:^|[\s=(;,"'#{+])(?:%x|qx)\s?[({[|!/][^\s)}\]|!/]|\bsend\s*\(\s*:\w|(?:^|[^\w.])Dir\s*\[\s*["']|(?:^|[^\w.])ENV\s*\[\s*["']|\bopen\s*\(\s*["']\s*\||\bopen\s*\(\s*\w+\s*,\s*["'][^"']{1,80}\|\s*["']|^\|\s?(?:id|ls|cat|whoami|uname|sh|bash|curl|wget)\b|\b(?:print|puts)\s*\(?\s*`[^`]+`|\b(?:os\.execute|io\.popen|package\.loadlib)\s*\(/

/** .NET and the Windows Script Host, Go, Rust, Erlang and Elixir, Deno and Bun. */
export const RUNTIME = /\bSystem\.Diagnostics\.Process\b|\bProcess\.Start\s*\(|\bCreateObject\s*\(\s*["']|\bnew\s+ActiveXObject\b|\bWScript\.(?:Shell|CreateObject|Network)\b|\bActivator\.CreateInstance\b|\bAssembly\.Load\w*\s*\(|\bexec\.Command(?:Context)?\s*\(|\bsyscall\.(?:Exec|ForkExec|Kill)\s*\(|\bprocess::Command\b|\bCommand::new\s*\(\s*"|\bos:cmd\s*\(|:os\.cmd\s*\(|\bSystem\.(?:cmd|shell|halt)\s*\(|\berlang:(?:halt|open_port)\s*\(|\bCode\.eval_\w+\s*\(|\bDeno\s*\.\s*(?:run|Command|readTextFile\w*|readFile\w*|readDir\w*|writeTextFile\w*|env|exit|open|remove)\b|\bBun\s*\.\s*(?:spawn\w*|file|write|env|openInEditor)\b|\bprocess\s*\.\s*(?:stdout|stderr)\s*\.\s*write\s*\(|\bReflect\s*\.\s*\w+\s*\(\s*(?:global|globalThis|process|this)\b/

/** What a probe prints to see that its code runs: a digest, the version, a sum; or it ends the program. */
export const PROOF = /(?:^|[^\w.])(?:print|echo|die|exit|var_dump|print_r|printf|puts|return)\s*\(?\s*(?:(?:md5|sha1|crc32|hash|base64_(?:en|de)code|bin2hex|strrev|str_rot13|phpversion|php_uname|getcwd|get_current_user|phpinfo|sys_getloadavg)\s*\(|\d+\s*[*+]\s*\d+\s*\)?\s*;)|^\W*(?:exit|die)\s*\(\s*\d*\s*\)\s*;/i
