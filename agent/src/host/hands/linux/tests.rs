//! Tools as they really run on Linux. Only programs that every Linux has.

use std::{
    cell::RefCell,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;

use super::{
    super::seam::{HandsError, HostHands, ProcessMark, Run, Ticks, ToolRun},
    LinuxHands,
    process::{self, Runner},
};

/// A clock that moves on by so much at each look at it.
fn ticks(step: u64) -> Ticks {
    let now = AtomicU64::new(0);
    Arc::new(move || now.fetch_add(step, Ordering::SeqCst))
}

fn runner(step: u64) -> (TempDir, Runner) {
    let dir = tempfile::tempdir().unwrap();
    let runner = Runner::new(dir.path().join("tool-logs"), ticks(step));
    (dir, runner)
}

/// Runs tools in one session; gives what they said and the marks of their processes.
fn session(
    runner: &Runner,
    limit: Duration,
    tools: &[(&str, &[&str])],
) -> Result<(ToolRun, Vec<ProcessMark>), HandsError> {
    let marks = RefCell::new(Vec::new());
    let mut started = |mark| marks.borrow_mut().push(mark);
    let mut run = Run {
        label: "order-1-step-0".to_owned(),
        time_limit: limit,
        said: Vec::new(),
        started: &mut started,
    };
    let mut session = runner.session(&mut run)?;
    for (program, arguments) in tools {
        session.tool(program, arguments)?;
    }
    let run = session.finish()?;
    Ok((run, marks.into_inner()))
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_tools_words_and_code_come_back_from_all_tools_of_a_step() {
    let (dir, runner) = runner(0);
    let tools: &[(&str, &[&str])] = &[
        ("/usr/bin/printf", &["first\\n"]),
        ("/usr/bin/printf", &["second\\n"]),
        ("/bin/false", &[]),
    ];
    let (run, _) = session(&runner, HOUR, tools).unwrap();
    assert_eq!(run.log_tail, "first\nsecond\n");
    assert_eq!(run.exit_code, Some(1));
    assert!(!run.timed_out);
    // A second run of the step shows its own words only; the log keeps both.
    let (run, _) = session(&runner, HOUR, &[("/usr/bin/printf", &["again\\n"])]).unwrap();
    assert_eq!(run.log_tail, "again\n");
    let log = fs::read_to_string(dir.path().join("tool-logs/order-1-step-0.log")).unwrap();
    assert_eq!(log, "first\nsecond\nagain\n");
}

#[test]
fn a_tool_leads_a_session_of_its_own_with_nothing_to_read() {
    let (_dir, runner) = runner(0);
    // Field 6 of stat is the session (proc(5)).
    let (run, marks) = session(&runner, HOUR, &[("/bin/cat", &["/proc/self/stat"])]).unwrap();
    let fields: Vec<&str> = run.log_tail.split(' ').collect();
    assert_eq!(fields[0], fields[5], "{}", run.log_tail);
    if let Some(mark) = marks.first() {
        assert_eq!(fields[0], mark.pid.to_string());
        assert!(!process::is_alive(mark));
    }
    let (run, _) = session(&runner, HOUR, &[("/bin/cat", &[])]).unwrap();
    assert_eq!((run.exit_code, run.log_tail.as_str()), (Some(0), ""));
}

#[test]
fn a_tools_environment_is_ours_alone() {
    let (_dir, runner) = runner(0);
    let (run, _) = session(&runner, HOUR, &[("/usr/bin/env", &[])]).unwrap();
    assert!(
        run.log_tail.contains("DEBIAN_FRONTEND=noninteractive\n"),
        "{}",
        run.log_tail
    );
    assert!(run.log_tail.contains("LC_ALL=C.UTF-8\n"), "{}", run.log_tail);
    assert!(!run.log_tail.contains("CARGO"), "{}", run.log_tail);
}

#[test]
fn a_tool_beyond_its_time_is_ended_and_its_log_kept() {
    // Each look at the clock is a minute later.
    let (_dir, runner) = runner(60_000);
    let tools: &[(&str, &[&str])] = &[("/usr/bin/printf", &["before\\n"]), ("/bin/sleep", &["86400"])];
    let (run, marks) = session(&runner, HOUR, tools).unwrap();
    assert!(run.timed_out);
    assert_eq!(run.exit_code, None, "a signal ended it");
    assert_eq!(run.log_tail, "before\n");
    assert!(!process::is_alive(marks.last().unwrap()));
}

#[test]
fn a_mark_names_one_process_in_one_kernel_session() {
    let own = process::mark(std::process::id()).unwrap();
    assert!(process::is_alive(&own));
    let later = ProcessMark {
        start_ticks: own.start_ticks + 1,
        ..own.clone()
    };
    assert!(!process::is_alive(&later), "its number was used again");
    let other_session = ProcessMark {
        boot_id: "another".to_owned(),
        ..own
    };
    assert!(!process::is_alive(&other_session));
}

#[test]
fn a_process_that_an_earlier_agent_started_is_ended_by_its_mark() {
    #[expect(clippy::disallowed_methods, reason = "stands for a tool that outlived its agent")]
    let mut child = std::process::Command::new("/usr/bin/setsid")
        .args(["/bin/sleep", "86400"])
        .spawn()
        .unwrap();
    let mark = process::mark(child.id()).unwrap();
    let mut hands = LinuxHands::new(std::path::Path::new("/nowhere"), ticks(0));
    assert!(hands.alive(&mark));
    // Until setsid made it a leader there is no group of its number to signal.
    let comm = || fs::read_to_string(format!("/proc/{}/comm", mark.pid)).unwrap();
    let is_leader = (0..10_000_000).any(|_| {
        std::thread::yield_now();
        comm().trim() == "sleep"
    });
    assert!(is_leader);
    hands.stop(&mark);
    assert!(!hands.alive(&mark), "a zombie has ended");
    child.wait().unwrap();
}

#[test]
fn a_program_that_is_not_there_is_told_by_its_name() {
    let (_dir, runner) = runner(0);
    let (run, _) = session(&runner, HOUR, &[("/usr/bin/no-such-program", &[])]).unwrap();
    assert_ne!(run.exit_code, Some(0));
    assert!(run.log_tail.contains("no-such-program"), "{}", run.log_tail);
}

#[test]
fn what_was_staged_for_an_order_goes_with_it_and_what_was_fetched_stays() {
    let state = tempfile::tempdir().unwrap();
    let staged = state.path().join("archives/staged");
    fs::create_dir_all(&staged).unwrap();
    fs::write(staged.join("clamav_1.4_amd64.deb"), b"goods").unwrap();
    let fetched = state.path().join("archives/libclamav12_1.4_amd64.deb");
    fs::write(&fetched, b"goods").unwrap();
    let mut hands = LinuxHands::new(state.path(), ticks(0));
    hands.tidy();
    assert!(!staged.exists() && fetched.exists());
    hands.tidy();
}
