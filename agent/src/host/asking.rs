//! Asks programs of the running system: by absolute path, without a shell, with nothing to read, bounded in time and
//! length. What such a program would change is nothing that anybody looks at (rpm makes an index beside its database).

use std::{
    io::{self, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::facts::{Answer, ToolOutput};

/// Of a complaint this much is kept.
const MAX_STDERR: u64 = 64 << 10;
/// In a reason this much of it is shown.
const MAX_WORDS: usize = 300;
/// How often is looked whether a program that said all ended, or one that was ended is gone.
const POLL: Duration = Duration::from_millis(5);
/// A program that was ended and stays for longer hangs in the kernel; nobody waits for it.
const LINGER: Duration = Duration::from_secs(5);

/// How a tool is asked.
pub(super) struct Asked<'q> {
    /// Where it may lie, first found first.
    pub(super) programs: &'q [&'q str],
    pub(super) arguments: &'q [&'q str],
    /// The exit codes by which it answers. Some tell yes and no by them; what it says is read all the same.
    pub(super) codes: &'q [i32],
    /// A sound one is done long before.
    pub(super) time_limit: Duration,
    /// A sound one says less.
    pub(super) max: u64,
}

/// What the first of its programs that is there says.
pub(super) fn answer(question: &Asked<'_>) -> Answer<ToolOutput> {
    let mut missing = Answer::Absent;
    for program in question.programs {
        match start(program, question.arguments) {
            Ok(child) => return listen(program, child, question),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !Path::new(program).exists() => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                missing = Answer::Denied(format!("{program} may not be run; run as root"));
            }
            Err(error) => missing = Answer::Failed(format!("cannot run {program}: {error}")),
        }
    }
    missing
}

#[expect(clippy::disallowed_methods, reason = "the one place where looks start programs")]
fn start(program: &str, arguments: &[&str]) -> io::Result<Child> {
    Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

fn listen(program: &str, mut child: Child, question: &Asked<'_>) -> Answer<ToolOutput> {
    let (stdout, stderr) = (
        reader(child.stdout.take(), question.max + 1),
        reader(child.stderr.take(), MAX_STDERR),
    );
    let failed = |why: String| Answer::Failed(format!("{program} {why}"));
    let seconds = question.time_limit.as_secs_f32();
    let stdout = match stdout.recv_timeout(question.time_limit) {
        Ok(Ok(stdout)) => stdout,
        Ok(Err(error)) => {
            end(&mut child);
            return failed(format!("could not be heard: {error}"));
        }
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            end(&mut child);
            return failed(format!(
                "did not answer within {seconds} s and was ended; see whether another program holds its database"
            ));
        }
    };
    if stdout.len() as u64 > question.max {
        end(&mut child);
        return failed(format!(
            "says more than {} bytes, which no sound one does",
            question.max
        ));
    }
    let Some(status) = wait(&mut child, question.time_limit) else {
        end(&mut child);
        return failed(format!("did not end within {seconds} s and was ended"));
    };
    // Something it left behind may hold the other pipe open: what it said itself is there by now.
    let stderr = match stderr.recv_timeout(LINGER) {
        Ok(stderr) => stderr.unwrap_or_default(),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            end(&mut child);
            return failed("left a program behind, which was ended".to_owned());
        }
    };
    if status.code().is_some_and(|code| question.codes.contains(&code)) {
        Answer::Found(ToolOutput { stdout, stderr })
    } else {
        failed(complaint(status, &stdout, &stderr))
    }
}

/// Reads in a thread of its own, so that a program that talks on one pipe is not kept waiting at the other.
fn reader(pipe: Option<impl Read + Send + 'static>, max: u64) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (send, receive) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.map_or(Ok(0), |pipe| pipe.take(max).read_to_end(&mut bytes));
        // Nobody listens any more when the time is over.
        let _ = send.send(read.map(|_| bytes));
    });
    receive
}

/// `None` when it still runs after that time.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let mut waited = Duration::ZERO;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if waited < limit => {
                thread::sleep(POLL);
                waited += POLL;
            }
            Ok(None) | Err(_) => return None,
        }
    }
}

/// Ends a program and what it started.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(Err(error)) = group.map(|group| kill_process_group(group, Signal::KILL)) {
        tracing::debug!(%error, "group not ended");
    }
    if wait(child, LINGER).is_none() {
        tracing::warn!(
            pid = child.id(),
            "a program that was ended does not go; it hangs in the kernel"
        );
    }
}

/// What is wrong, in the program's own words.
fn complaint(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> String {
    let said = if stderr.trim_ascii().is_empty() { stdout } else { stderr };
    let said = String::from_utf8_lossy(said);
    let words: String = said
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(MAX_WORDS)
        .collect();
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    if words.is_empty() {
        format!("{how} and said nothing")
    } else {
        format!("{how}: {words}")
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Any program that every Linux has stands for a tool.
    fn asked(programs: &[&str], arguments: &[&str], time_limit: Duration) -> Answer<ToolOutput> {
        answer(&Asked {
            programs,
            arguments,
            codes: &[0, 102],
            time_limit,
            max: 1000,
        })
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    fn sh(script: &str, time_limit: Duration) -> Answer<ToolOutput> {
        asked(&["/bin/sh"], &["-c", script], time_limit)
    }

    fn why(answer: Answer<ToolOutput>) -> String {
        match answer {
            Answer::Failed(why) => why,
            other @ (Answer::Found(_) | Answer::Absent | Answer::Unsupported | Answer::Denied(_)) => {
                panic!("{other:?}")
            }
        }
    }

    #[test]
    fn what_a_tool_says_on_both_pipes_comes_back_whole() {
        let said = sh("printf out; printf err >&2", PATIENCE);
        let expected = ToolOutput {
            stdout: b"out".to_vec(),
            stderr: b"err".to_vec(),
        };
        assert_eq!(said, Answer::Found(expected));
        let environment = asked(&["/usr/bin/env"], &[], PATIENCE).found().unwrap();
        let environment = String::from_utf8(environment.stdout).unwrap();
        assert!(
            environment.contains("LC_ALL=C.UTF-8\n") && !environment.contains("CARGO"),
            "{environment}"
        );
    }

    #[test]
    fn a_tool_may_answer_by_another_exit_code_than_zero() {
        let said = sh("echo yes; exit 102", PATIENCE).found().unwrap();
        assert_eq!(said.stdout, b"yes\n");
        assert!(matches!(sh("echo yes; exit 103", PATIENCE), Answer::Failed(_)));
    }

    #[test]
    fn a_tool_that_is_not_there_is_absent_and_a_second_place_is_tried() {
        assert_eq!(asked(&["/usr/bin/no-such-program"], &[], PATIENCE), Answer::Absent);
        assert!(asked(&["/usr/bin/no-such-program", "/bin/true"], &[], PATIENCE).is_found());
    }

    #[test]
    fn a_tool_that_cannot_be_started_is_no_absence() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("tool");
        std::fs::write(&program, "#!/no/such/interpreter\n").unwrap();
        let ask = || asked(&[program.to_str().unwrap()], &[], PATIENCE);
        assert!(matches!(ask(), Answer::Denied(_)), "not executable");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        assert!(why(ask()).contains("cannot run"));
    }

    #[test]
    fn a_tool_that_fails_is_failed_with_its_words() {
        assert_eq!(
            why(sh("echo 'error: cannot\n open it' >&2; exit 3", PATIENCE)),
            "/bin/sh ended with code 3: error: cannot open it"
        );
        assert_eq!(
            why(sh("echo on the other pipe; exit 1", PATIENCE)),
            "/bin/sh ended with code 1: on the other pipe"
        );
        assert_eq!(
            why(sh("kill -9 $$", PATIENCE)),
            "/bin/sh was ended by signal 9 and said nothing"
        );
    }

    #[test]
    fn a_tool_that_says_too_much_is_failed_and_ended() {
        assert!(why(sh("yes", PATIENCE)).contains("more than 1000 bytes"));
        let exactly = sh("head -c 1000 /dev/zero", PATIENCE).found().unwrap();
        assert_eq!(exactly.stdout.len(), 1000);
        let complaint = sh("head -c 200000 /dev/zero >&2", PATIENCE);
        assert!(
            matches!(complaint, Answer::Found(_) | Answer::Failed(_)),
            "it is not waited for"
        );
    }

    /// Asks with ever more time until the program got as far as the test needs; a busy machine may start it late.
    fn sh_that_gets_far_enough(script: &str, far_enough: impl Fn(&str) -> bool) -> String {
        let mut limit = Duration::from_millis(100);
        loop {
            let why = why(sh(script, limit));
            if far_enough(&why) || limit > PATIENCE {
                return why;
            }
            limit *= 2;
        }
    }

    #[test]
    fn a_tool_that_never_ends_is_failed_and_what_it_started_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("sleep 86400 & echo $! > {}; wait", pid.display());
        let told = || std::fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n'));
        let why = sh_that_gets_far_enough(&script, |_| told());
        assert!(why.contains("did not answer within"), "{why}");
        let pid = std::fs::read_to_string(&pid).unwrap();
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        assert!((0..2000).any(|_| {
            thread::sleep(POLL);
            gone()
        }));
    }

    #[test]
    fn a_tool_that_closes_its_output_and_stays_is_failed_too() {
        let script = "exec >&- 2>&-; sleep 86400";
        let why = sh_that_gets_far_enough(script, |why| !why.contains("did not answer"));
        assert!(why.contains("did not end within"), "{why}");
    }
}
