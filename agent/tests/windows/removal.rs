//! What the hands of Windows remove.

use std::{
    io::Read as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use cutover_agent::{
    detect::{RuleSet, attributed_packages},
    host::{
        WindowsHost,
        hands::{HostHands, ProcessMark, Run, Said, ToolRun, WindowsHands},
    },
};
use cutover_proto::{inventory::PackageManager, secret::SecretForm, uninstall::is_product_code};
use tempfile::TempDir;
use windows_sys::Win32::System::Threading::CreateMutexW;
use zeroize::Zeroizing;

use super::{Package, Scan, alone};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// Hands that start this program, whose clock moves on by so much at each look at it.
pub(super) fn hands(program: PathBuf, step: u64) -> (TempDir, WindowsHands) {
    let dir = tempfile::tempdir().unwrap();
    let now = AtomicU64::new(0);
    let ticks = Arc::new(move || now.fetch_add(step, Ordering::SeqCst));
    let hands = WindowsHands::new(dir.path(), program, ticks);
    (dir, hands)
}

pub(super) fn agent() -> PathBuf {
    // Built on another system, whose root is a drive here.
    PathBuf::from(format!("Z:{}", env!("CARGO_BIN_EXE_cutover-agent")))
}

/// The codes of a product that a look gives it now.
pub(super) fn codes(product: &str) -> Vec<String> {
    let rules = RuleSet::built_in();
    let found = attributed_packages(&WindowsHost, rules.rule(&product.into()).unwrap());
    let packages = found.found().expect("the uninstall keys can be read");
    let names = packages.into_iter().map(|package| package.name);
    names.filter(|name| is_product_code(name)).collect()
}

fn remove(hands: &mut WindowsHands, codes: &[String]) -> ToolRun {
    remove_saying(hands, codes, &[])
}

/// The same, with what the installer asks for.
fn remove_saying(hands: &mut WindowsHands, codes: &[String], said: &[(&str, &str)]) -> ToolRun {
    let mut started = |_| ();
    let said = said.iter().map(|(property, value)| Said {
        property: (*property).to_owned(),
        value: Zeroizing::new((*value).to_owned()),
    });
    let mut run = Run {
        label: "order-1-step-0".to_owned(),
        time_limit: HOUR,
        said: said.collect(),
        started: &mut started,
    };
    hands.remove_packages(PackageManager::Msi, codes, &mut run).unwrap()
}

/// What the guarded package wants.
const RIGHT: &str = "Right-0ne-5";

#[test]
fn a_product_goes_by_the_code_that_a_look_gives_it_and_a_second_run_finds_it_gone() {
    let _alone = alone();
    let package = Package::install("kes.msi", &[]);
    let own = codes("kes-windows");
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!(codes("klnagent-windows"), [""; 0]);
    let (dir, mut hands) = hands(agent(), 0);
    let ran = remove(&mut hands, &own);
    assert_eq!((ran.exit_code, ran.timed_out), (Some(0), false), "{}", ran.log_tail);
    assert!(ran.log_tail.contains("RemoveFiles"), "{}", ran.log_tail);
    assert_eq!(codes("kes-windows"), [""; 0]);
    assert!(["absent", "unknown", "remnant"].contains(&Scan::made().verdict("kes-windows")));
    package.forget();

    assert_eq!(remove(&mut hands, &own).exit_code, Some(1605));
    let logs = std::fs::read_dir(dir.path().join("tool-logs")).unwrap().count();
    assert_eq!(logs, 2, "of the step and of the helper");
}

#[test]
fn two_products_of_one_step_both_go() {
    let _alone = alone();
    let packages = [Package::install("kes.msi", &[]), Package::install("klnagent.msi", &[])];
    let both = [codes("kes-windows"), codes("klnagent-windows")].concat();
    assert_eq!(both.len(), 2, "{both:?}");
    let (_dir, mut hands) = hands(agent(), 0);
    assert_eq!(remove(&mut hands, &both).exit_code, Some(0));
    assert_eq!([codes("kes-windows"), codes("klnagent-windows")].concat(), [""; 0]);
    packages.into_iter().for_each(Package::forget);
}

#[test]
fn a_product_that_wants_a_password_stays_whole() {
    let _alone = alone();
    let package = Package::install("kes-guarded.msi", &[]);
    let own = codes("kes-windows");
    let (_dir, mut hands) = hands(agent(), 0);
    assert_eq!(remove(&mut hands, &own).exit_code, Some(1603));
    assert_eq!(codes("kes-windows"), own);
    assert_eq!(Scan::made().verdict("kes-windows"), "installed");
    package.remove_with(&["KLLOGIN=KLAdmin", "KLPASSWD=Right-0ne-5"]);
}

#[test]
fn a_product_that_wants_a_password_goes_by_the_right_one_and_its_log_keeps_neither() {
    let _alone = alone();
    let package = Package::install("kes-guarded.msi", &[]);
    let own = codes("kes-windows");
    let (dir, mut hands) = hands(agent(), 0);
    let mut say = |password: &str| {
        let said = [("KLLOGIN", "KLAdmin"), ("KLPASSWD", password)];
        remove_saying(&mut hands, &own, &said).exit_code
    };
    assert_eq!(say("wrong \"one\" 1"), Some(1603));
    assert_eq!(codes("kes-windows"), own);
    assert_eq!(say(RIGHT), Some(0));
    assert_eq!(codes("kes-windows"), [""; 0]);
    package.forget();
    // What is kept once it was scrubbed, as it is after each step.
    let told = ["wrong \"\"one\"\" 1", "wrong \"one\" 1", RIGHT];
    let scrub = |log: &str| {
        told.iter()
            .fold(log.to_owned(), |log, secret| log.replace(secret, "[secret]"))
    };
    hands.scrub_logs("", &scrub).unwrap();
    for log in std::fs::read_dir(dir.path().join("tool-logs")).unwrap() {
        let bytes = std::fs::read(log.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes).replace('\0', "");
        assert!(!text.contains("wrong") && !text.contains(RIGHT), "{text}");
    }
}

#[test]
fn an_agent_of_the_console_goes_by_its_password_in_hex_of_utf_16() {
    let _alone = alone();
    let package = Package::install("klnagent-guarded.msi", &[]);
    let own = codes("klnagent-windows");
    let (_dir, mut hands) = hands(agent(), 0);
    let mut say = |form: SecretForm| {
        let value = form.say("Пароль-9");
        remove_saying(&mut hands, &own, &[("KLUNINSTPASSWD", &value)]).exit_code
    };
    assert_eq!(say(SecretForm::Plain), Some(1603));
    assert_eq!(say(SecretForm::Utf16leHex), Some(0));
    assert_eq!(codes("klnagent-windows"), [""; 0]);
    package.forget();
}

#[test]
fn a_restart_that_is_owed_is_told_and_not_begun() {
    let _alone = alone();
    let package = Package::install("kes-restart.msi", &[]);
    let (_dir, mut hands) = hands(agent(), 0);
    assert_eq!(remove(&mut hands, &codes("kes-windows")).exit_code, Some(3010));
    package.forget();
}

/// Whether anybody sees it only a Windows with people could show.
#[test]
fn a_notice_goes_to_whoever_is_there() {
    let (_dir, mut hands) = hands(agent(), 0);
    hands.announce("This computer restarts in five minutes.").unwrap();
}

#[test]
fn while_another_installation_is_at_work_nothing_begins() {
    let _alone = alone();
    let package = Package::install("kes.msi", &[]);
    let own = codes("kes-windows");
    let (_dir, mut hands) = hands(agent(), 0);
    let name: Vec<u16> = r"Global\_MSIExecute".encode_utf16().chain([0]).collect();
    // SAFETY: the name has its zero and outlives the call.
    #[expect(
        unsafe_code,
        reason = "what another installer does is done by an interface of C alone"
    )]
    let at_work = unsafe {
        use std::os::windows::io::FromRawHandle as _;
        std::os::windows::io::OwnedHandle::from_raw_handle(CreateMutexW(std::ptr::null(), 1, name.as_ptr()))
    };
    let ran = remove(&mut hands, &own);
    assert_eq!(ran.exit_code, Some(1618));
    assert!(
        ran.log_tail.contains("another installation is at work"),
        "{}",
        ran.log_tail
    );
    assert_eq!(codes("kes-windows"), own);
    let waits_for = hands.restart_waits_for().unwrap();
    assert_eq!(waits_for.as_deref(), Some("Windows Installer is at work"));
    drop(at_work);
    assert_eq!(hands.restart_waits_for().unwrap(), None);
    assert_eq!(remove(&mut hands, &own).exit_code, Some(0));
    package.forget();
}

/// Not a test but a helper that never ends, and starts another: the hands start this very program with the argument `msi`, by
/// which the runner of tests finds this one, and say something to it.
#[test]
fn msi_never_ends_where_it_is_told_something() {
    let mut said = String::new();
    std::io::stdin().read_to_string(&mut said).unwrap();
    if said.is_empty() {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "a helper that starts another process")]
    let mut child = std::process::Command::new("ping")
        .args(["-n", "600", "127.0.0.1"])
        .spawn()
        .unwrap();
    child.wait().unwrap();
    loop {
        thread::park();
    }
}

fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

#[test]
fn what_takes_longer_than_it_may_is_ended() {
    let (_dir, mut hands) = hands(this_program(), u64::MAX / 8);
    let ran = remove(&mut hands, &["{11111111-2222-3333-4444-555555555555}".to_owned()]);
    assert_eq!((ran.exit_code, ran.timed_out), (None, true));
}

#[test]
fn a_later_agent_finds_the_process_of_an_earlier_one_and_ends_it_with_all_that_it_started() {
    let (dir, mut earlier) = hands(this_program(), 0);
    let (tell, told) = mpsc::channel();
    let work = thread::spawn(move || {
        let mut started = |mark: ProcessMark| tell.send(mark).unwrap();
        let mut run = Run {
            label: "order-1-step-0".to_owned(),
            time_limit: HOUR,
            said: Vec::new(),
            started: &mut started,
        };
        let code = "{11111111-2222-3333-4444-555555555555}".to_owned();
        earlier.remove_packages(PackageManager::Msi, &[code], &mut run).unwrap()
    });
    let mark = told.recv_timeout(Duration::from_secs(60)).unwrap();
    let mut later = WindowsHands::new(dir.path(), this_program(), Arc::new(|| 0));
    assert!(later.alive(&mark));
    // Its number alone is used again.
    let another = ProcessMark {
        start_ticks: mark.start_ticks + 1,
        ..mark.clone()
    };
    assert!(!later.alive(&another));
    later.stop(&another);
    assert!(later.alive(&mark));

    later.stop(&mark);
    assert!(!later.alive(&mark));
    let ran = work.join().unwrap();
    assert_ne!(ran.exit_code, Some(0));
    assert!(!ran.timed_out);
}
