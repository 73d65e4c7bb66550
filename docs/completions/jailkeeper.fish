# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_jailkeeper_global_optspecs
    string join \n h/help V/version
end

function __fish_jailkeeper_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_jailkeeper_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_jailkeeper_using_subcommand
    set -l cmd (__fish_jailkeeper_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -s V -l version -d 'Print version'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "run" -d 'Run a command in a jail'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "plan" -d 'Show what would be set up for a command, without running it'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "check" -d 'Say what would be decided about a file, by which rule, and which wall holds it'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "profiles" -d 'List profiles, or show one'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "learn" -d 'Run a command and write the smallest profile that would have been enough'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "explain" -d 'Tell the story of a report, and which change would have allowed it'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "attach" -d 'Put walls around a process that runs already, with all its threads and descendants'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "doctor" -d 'Show what this machine has, and how to get what it lacks'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "man" -d 'Print the manual page'
complete -c jailkeeper -n "__fish_jailkeeper_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -s p -l profile -d 'Add a profile: a name (`jailkeeper profiles list`), or a file, which has a slash' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -s r -l read -d 'Let the jail list, read and run what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -s w -l write -d 'Let the jail also create, change, rename and delete what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -s d -l deny -d 'Take a path out of an allowed tree' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l read-glob -d 'Let the jail open files whose absolute path matches a glob such as `/srv/**/*.csv`' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l write-glob -d 'Let the jail also write and create files whose path matches a glob' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l deny-glob -d 'Take files whose path matches a glob, such as `**/.env*`, out of allowed trees; one that begins with `**` leaves the base alone' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l read-pattern -d 'Let the jail open files whose absolute path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l write-pattern -d 'Let the jail also write and create files whose path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l tmp -d 'Give the jail an empty /tmp of its own, or none [default: private]' -r -f -a "private\t'An empty one in memory, gone with the jail'
deny\t'None: /tmp is outside'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l on-jailbreak -d 'What happens on a jailbreak [default: kill]' -r -f -a "kill\t'The whole jail is killed'
deny\t'The call fails, and the program goes on'
ask\t'Somebody is asked before a file is opened; the rest is denied'
log\t'Reading outside is let pass and written down, but for secrets; the rest is denied'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l ask -d 'Who is asked with `--on-jailbreak ask`' -r -f -a "terminal\t'Whoever sits at the terminal'
events\t'Whoever reads `--events fd:N`, by an answer on the same descriptor'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l ask-timeout -d 'How long an answer is waited for; no answer is a no' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l strength -d 'The strength below which nothing is run; the jail is as strong as this machine allows' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l tracer -d 'Who watches at strength monitor: auto, ptrace, strace, illumos-truss, solaris-truss, freebsd-truss, dtruss, or one of these and =PATH' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l strength-at-most -d 'The strength above which nothing is built, for tests and comparisons' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l watch -d 'Without a watch the walls stand alone, at strength flat: what they refuse has no event, and the jail goes on' -r -f -a "always\t'Without one nothing is run'
none\t'Where none can be had: a jail in a jail'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l net -d 'What of the network the jail has' -r -f -a "none\t'Nothing'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l wall-time -d 'Kill the jail after this time, such as 500ms, 10s, 2m' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l events -d 'Write events, one JSON object a line, to a file or to an inherited descriptor' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l report -d 'Write a report of the run to a file or to an inherited descriptor' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l tether -d 'Kill the jail when the other end of this inherited descriptor is closed' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l pass-fd -d 'Give the command this inherited descriptor too' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -s C -l cwd -d 'Start in this directory' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l env -d 'Set a variable of the environment, or pass on the caller\'s' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l argv0 -d 'The name under which the command sees itself' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l no-base -d 'Take away the base: system directories, loader files, devices'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l no-cwd -d 'Do not make the working directory writable'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l strict -d 'Make looking at something outside a jailbreak too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l hide -d 'Answer looks at something outside as if nothing were there, at strength flat too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l nested -d 'Let the program make sandboxes of its own inside the jail, by Landlock and seccomp filters'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l report-probes -d 'Also write an event for every probe that was answered as absent'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l show-forgiven -d 'Print at the end what was answered as absent, by path and program'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -s q -l quiet -d 'Print no account of a jailbreak, and no error that went to --events'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l mirror-signal -d 'End by the signal that ended the command, instead of with 128+N'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -l env-all -d 'Pass on the caller\'s whole environment'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -s p -l profile -d 'Add a profile: a name (`jailkeeper profiles list`), or a file, which has a slash' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -s r -l read -d 'Let the jail list, read and run what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -s w -l write -d 'Let the jail also create, change, rename and delete what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -s d -l deny -d 'Take a path out of an allowed tree' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l read-glob -d 'Let the jail open files whose absolute path matches a glob such as `/srv/**/*.csv`' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l write-glob -d 'Let the jail also write and create files whose path matches a glob' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l deny-glob -d 'Take files whose path matches a glob, such as `**/.env*`, out of allowed trees; one that begins with `**` leaves the base alone' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l read-pattern -d 'Let the jail open files whose absolute path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l write-pattern -d 'Let the jail also write and create files whose path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l tmp -d 'Give the jail an empty /tmp of its own, or none [default: private]' -r -f -a "private\t'An empty one in memory, gone with the jail'
deny\t'None: /tmp is outside'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l on-jailbreak -d 'What happens on a jailbreak [default: kill]' -r -f -a "kill\t'The whole jail is killed'
deny\t'The call fails, and the program goes on'
ask\t'Somebody is asked before a file is opened; the rest is denied'
log\t'Reading outside is let pass and written down, but for secrets; the rest is denied'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l ask -d 'Who is asked with `--on-jailbreak ask`' -r -f -a "terminal\t'Whoever sits at the terminal'
events\t'Whoever reads `--events fd:N`, by an answer on the same descriptor'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l ask-timeout -d 'How long an answer is waited for; no answer is a no' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l strength -d 'The strength below which nothing is run; the jail is as strong as this machine allows' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l tracer -d 'Who watches at strength monitor: auto, ptrace, strace, illumos-truss, solaris-truss, freebsd-truss, dtruss, or one of these and =PATH' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l strength-at-most -d 'The strength above which nothing is built, for tests and comparisons' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l watch -d 'Without a watch the walls stand alone, at strength flat: what they refuse has no event, and the jail goes on' -r -f -a "always\t'Without one nothing is run'
none\t'Where none can be had: a jail in a jail'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l net -d 'What of the network the jail has' -r -f -a "none\t'Nothing'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l wall-time -d 'Kill the jail after this time, such as 500ms, 10s, 2m' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -s C -l cwd -d 'Start in this directory' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l env -d 'Set a variable of the environment, or pass on the caller\'s' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l argv0 -d 'The name under which the command sees itself' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l no-base -d 'Take away the base: system directories, loader files, devices'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l no-cwd -d 'Do not make the working directory writable'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l strict -d 'Make looking at something outside a jailbreak too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l hide -d 'Answer looks at something outside as if nothing were there, at strength flat too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l nested -d 'Let the program make sandboxes of its own inside the jail, by Landlock and seccomp filters'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l json -d 'Print JSON'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -l env-all -d 'Pass on the caller\'s whole environment'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -s p -l profile -d 'Add a profile: a name (`jailkeeper profiles list`), or a file, which has a slash' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -s r -l read -d 'Let the jail list, read and run what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -s w -l write -d 'Let the jail also create, change, rename and delete what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -s d -l deny -d 'Take a path out of an allowed tree' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l read-glob -d 'Let the jail open files whose absolute path matches a glob such as `/srv/**/*.csv`' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l write-glob -d 'Let the jail also write and create files whose path matches a glob' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l deny-glob -d 'Take files whose path matches a glob, such as `**/.env*`, out of allowed trees; one that begins with `**` leaves the base alone' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l read-pattern -d 'Let the jail open files whose absolute path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l write-pattern -d 'Let the jail also write and create files whose path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l tmp -d 'Give the jail an empty /tmp of its own, or none [default: private]' -r -f -a "private\t'An empty one in memory, gone with the jail'
deny\t'None: /tmp is outside'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l on-jailbreak -d 'What happens on a jailbreak [default: kill]' -r -f -a "kill\t'The whole jail is killed'
deny\t'The call fails, and the program goes on'
ask\t'Somebody is asked before a file is opened; the rest is denied'
log\t'Reading outside is let pass and written down, but for secrets; the rest is denied'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l ask -d 'Who is asked with `--on-jailbreak ask`' -r -f -a "terminal\t'Whoever sits at the terminal'
events\t'Whoever reads `--events fd:N`, by an answer on the same descriptor'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l ask-timeout -d 'How long an answer is waited for; no answer is a no' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l strength -d 'The strength below which nothing is run; the jail is as strong as this machine allows' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l tracer -d 'Who watches at strength monitor: auto, ptrace, strace, illumos-truss, solaris-truss, freebsd-truss, dtruss, or one of these and =PATH' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l strength-at-most -d 'The strength above which nothing is built, for tests and comparisons' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l watch -d 'Without a watch the walls stand alone, at strength flat: what they refuse has no event, and the jail goes on' -r -f -a "always\t'Without one nothing is run'
none\t'Where none can be had: a jail in a jail'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l net -d 'What of the network the jail has' -r -f -a "none\t'Nothing'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l wall-time -d 'Kill the jail after this time, such as 500ms, 10s, 2m' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l mode -d 'How the file would be used' -r -f -a "read\t'Reading or listing it'
write\t'Creating, changing or deleting it'
execute\t'Running it'
connect\t'Connecting to it as a socket'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -s C -l cwd -d 'Where the command would start' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l no-base -d 'Take away the base: system directories, loader files, devices'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l no-cwd -d 'Do not make the working directory writable'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l strict -d 'Make looking at something outside a jailbreak too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l hide -d 'Answer looks at something outside as if nothing were there, at strength flat too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l nested -d 'Let the program make sandboxes of its own inside the jail, by Landlock and seccomp filters'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -l json -d 'Print JSON'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and not __fish_seen_subcommand_from list show help" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and not __fish_seen_subcommand_from list show help" -f -a "list" -d 'List the profiles that can be had by name'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and not __fish_seen_subcommand_from list show help" -f -a "show" -d 'Print a profile as it is written'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and not __fish_seen_subcommand_from list show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the profiles that can be had by name'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print a profile as it is written'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand profiles; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -s p -l profile -d 'Add a profile: a name (`jailkeeper profiles list`), or a file, which has a slash' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -s r -l read -d 'Let the jail list, read and run what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -s w -l write -d 'Let the jail also create, change, rename and delete what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -s d -l deny -d 'Take a path out of an allowed tree' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l read-glob -d 'Let the jail open files whose absolute path matches a glob such as `/srv/**/*.csv`' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l write-glob -d 'Let the jail also write and create files whose path matches a glob' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l deny-glob -d 'Take files whose path matches a glob, such as `**/.env*`, out of allowed trees; one that begins with `**` leaves the base alone' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l read-pattern -d 'Let the jail open files whose absolute path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l write-pattern -d 'Let the jail also write and create files whose path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l tmp -d 'Give the jail an empty /tmp of its own, or none [default: private]' -r -f -a "private\t'An empty one in memory, gone with the jail'
deny\t'None: /tmp is outside'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l on-jailbreak -d 'What happens on a jailbreak [default: kill]' -r -f -a "kill\t'The whole jail is killed'
deny\t'The call fails, and the program goes on'
ask\t'Somebody is asked before a file is opened; the rest is denied'
log\t'Reading outside is let pass and written down, but for secrets; the rest is denied'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l ask -d 'Who is asked with `--on-jailbreak ask`' -r -f -a "terminal\t'Whoever sits at the terminal'
events\t'Whoever reads `--events fd:N`, by an answer on the same descriptor'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l ask-timeout -d 'How long an answer is waited for; no answer is a no' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l strength -d 'The strength below which nothing is run; the jail is as strong as this machine allows' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l tracer -d 'Who watches at strength monitor: auto, ptrace, strace, illumos-truss, solaris-truss, freebsd-truss, dtruss, or one of these and =PATH' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l strength-at-most -d 'The strength above which nothing is built, for tests and comparisons' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l watch -d 'Without a watch the walls stand alone, at strength flat: what they refuse has no event, and the jail goes on' -r -f -a "always\t'Without one nothing is run'
none\t'Where none can be had: a jail in a jail'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l net -d 'What of the network the jail has' -r -f -a "none\t'Nothing'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l wall-time -d 'Kill the jail after this time, such as 500ms, 10s, 2m' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -s o -l output -d 'The profile to write, or to add to; by default it goes to stdout' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l from -d 'Learn from events that were written before, and run nothing' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -s C -l cwd -d 'Start in this directory' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l env -d 'Set a variable of the environment, or pass on the caller\'s' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l argv0 -d 'The name under which the command sees itself' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l no-base -d 'Take away the base: system directories, loader files, devices'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l no-cwd -d 'Do not make the working directory writable'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l strict -d 'Make looking at something outside a jailbreak too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l hide -d 'Answer looks at something outside as if nothing were there, at strength flat too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l nested -d 'Let the program make sandboxes of its own inside the jail, by Landlock and seccomp filters'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -l env-all -d 'Pass on the caller\'s whole environment'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand learn" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand explain" -l profile -d 'The profile that is to be changed; by default one that would be new' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand explain" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -s p -l profile -d 'Add a profile: a name (`jailkeeper profiles list`), or a file, which has a slash' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -s r -l read -d 'Let the jail list, read and run what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -s w -l write -d 'Let the jail also create, change, rename and delete what is beneath a path' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -s d -l deny -d 'Take a path out of an allowed tree' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l read-glob -d 'Let the jail open files whose absolute path matches a glob such as `/srv/**/*.csv`' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l write-glob -d 'Let the jail also write and create files whose path matches a glob' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l deny-glob -d 'Take files whose path matches a glob, such as `**/.env*`, out of allowed trees; one that begins with `**` leaves the base alone' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l read-pattern -d 'Let the jail open files whose absolute path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l write-pattern -d 'Let the jail also write and create files whose path matches a regular expression' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l tmp -d 'Give the jail an empty /tmp of its own, or none [default: private]' -r -f -a "private\t'An empty one in memory, gone with the jail'
deny\t'None: /tmp is outside'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l on-jailbreak -d 'What happens on a jailbreak [default: kill]' -r -f -a "kill\t'The whole jail is killed'
deny\t'The call fails, and the program goes on'
ask\t'Somebody is asked before a file is opened; the rest is denied'
log\t'Reading outside is let pass and written down, but for secrets; the rest is denied'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l ask -d 'Who is asked with `--on-jailbreak ask`' -r -f -a "terminal\t'Whoever sits at the terminal'
events\t'Whoever reads `--events fd:N`, by an answer on the same descriptor'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l ask-timeout -d 'How long an answer is waited for; no answer is a no' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l strength -d 'The strength below which nothing is run; the jail is as strong as this machine allows' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l tracer -d 'Who watches at strength monitor: auto, ptrace, strace, illumos-truss, solaris-truss, freebsd-truss, dtruss, or one of these and =PATH' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l strength-at-most -d 'The strength above which nothing is built, for tests and comparisons' -r -f -a "full\t'Namespaces, a view of its own, Landlock, seccomp'
flat\t'Landlock and seccomp: what exists outside can be seen, but not opened'
monitor\t'Nothing is enforced: a tracer watches, and a jailbreak is killed after it'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l watch -d 'Without a watch the walls stand alone, at strength flat: what they refuse has no event, and the jail goes on' -r -f -a "always\t'Without one nothing is run'
none\t'Where none can be had: a jail in a jail'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l net -d 'What of the network the jail has' -r -f -a "none\t'Nothing'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l wall-time -d 'Kill the jail after this time, such as 500ms, 10s, 2m' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l events -d 'Write events, one JSON object a line, to a file or to an inherited descriptor' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l report -d 'Write a report of the run to a file or to an inherited descriptor' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l tether -d 'Kill the jail when the other end of this inherited descriptor is closed' -r
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l outside -d 'What becomes of open files, sockets and rings that the process has and the policy does not allow' -r -f -a "refuse\t'It is a reason not to attach'
close\t'It is closed'
keep\t'It stays open; a ring of io_uring is still a reason not to attach'"
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -s C -l cwd -d 'The directory that is writable, as the working directory of a command would be' -r -F
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l no-base -d 'Take away the base: system directories, loader files, devices'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l no-cwd -d 'Do not make the working directory writable'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l strict -d 'Make looking at something outside a jailbreak too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l hide -d 'Answer looks at something outside as if nothing were there, at strength flat too'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l nested -d 'Let the program make sandboxes of its own inside the jail, by Landlock and seccomp filters'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -l report-probes -d 'Also write an event for every probe that was answered as absent'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -s q -l quiet -d 'Print no account of a jailbreak, and no error that went to --events'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand attach" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand doctor" -l apparmor -d 'Print an AppArmor profile that lets this program make user namespaces, to be saved as /etc/apparmor.d/jailkeeper'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand doctor" -l json -d 'Print JSON'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand completions" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand man" -s h -l help -d 'Print help'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "run" -d 'Run a command in a jail'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "plan" -d 'Show what would be set up for a command, without running it'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "check" -d 'Say what would be decided about a file, by which rule, and which wall holds it'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "profiles" -d 'List profiles, or show one'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "learn" -d 'Run a command and write the smallest profile that would have been enough'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "explain" -d 'Tell the story of a report, and which change would have allowed it'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "attach" -d 'Put walls around a process that runs already, with all its threads and descendants'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "doctor" -d 'Show what this machine has, and how to get what it lacks'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "man" -d 'Print the manual page'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and not __fish_seen_subcommand_from run plan check profiles learn explain attach doctor completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and __fish_seen_subcommand_from profiles" -f -a "list" -d 'List the profiles that can be had by name'
complete -c jailkeeper -n "__fish_jailkeeper_using_subcommand help; and __fish_seen_subcommand_from profiles" -f -a "show" -d 'Print a profile as it is written'
