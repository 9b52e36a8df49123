//! The view by itself. What a whole look makes of it stands in `detect`.

use std::fs;

use super::*;
use crate::facts::ExtensionUse;

#[test]
fn a_refusal_says_what_would_lift_it() {
    let path = HostPath::unix("/Library/x");
    let refused = |is_root| {
        let refused = Answer::<()>::Denied("/Library/x may not be read; run as root".into());
        with_remedy(refused, &path, is_root).trouble().map(str::to_owned)
    };
    let root = refused(true).expect("refused");
    assert!(
        root.starts_with("/Library/x may not be read")
            && root.contains("Full Disk Access")
            && !root.contains("as root"),
        "{root}"
    );
    assert_eq!(
        refused(false).as_deref(),
        Some("/Library/x may not be read; run as root")
    );
    assert_eq!(with_remedy(Answer::<()>::Absent, &path, true), Answer::Absent);
    let failed = Answer::<()>::Failed("no disk".into());
    assert_eq!(with_remedy(failed.clone(), &path, true), failed);
}

#[test]
fn profiles_with_an_extension_are_counted_and_nobody_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let profile = |user: &str, browser: &str, profile: &str| {
        let path = dir.path().join("Users").join(user).join("Library/Application Support");
        path.join(browser).join(profile).join("Extensions")
    };
    fs::create_dir_all(profile("ann", "Google/Chrome", "Default").join("theid")).expect("made");
    fs::create_dir_all(profile("ann", "Microsoft Edge", "Profile 1").join("theid")).expect("made");
    fs::create_dir_all(profile("bob", "Google/Chrome", "Default").join("another")).expect("made");
    let mac = MacHost::below(dir.path()).expect("a root");
    let uses = |id: &str| mac.ask(&Question::BrowserExtension(id.to_owned()));
    let expected = ExtensionUse {
        profiles: 2,
        unread: Vec::new(),
    };
    assert_eq!(uses("theid"), Answer::Found(Reply::BrowserExtension(expected)));
    assert_eq!(uses("nowhere"), Answer::Absent);

    // What cannot be looked into is no profile without the extension.
    let broken = dir.path().join("Users/eve/Library/Application Support/Google");
    fs::create_dir_all(&broken).expect("made");
    fs::write(broken.join("Chrome"), "a file in the place of a directory").expect("written");
    let Answer::Found(Reply::BrowserExtension(found)) = uses("nowhere") else {
        panic!("absent, though one was not read");
    };
    assert_eq!(found.profiles, 0);
    let [why] = found.unread.as_slice() else {
        panic!("{:?}", found.unread);
    };
    assert!(!why.contains("eve"), "{why}");
}

#[test]
fn a_mac_without_users_folder_has_no_profiles_that_could_be_counted() {
    let dir = tempfile::tempdir().expect("a directory");
    let mac = MacHost::below(dir.path()).expect("a root");
    let asked = mac.ask(&Question::BrowserExtension("x".into()));
    assert!(matches!(asked, Answer::Failed(_)), "{asked:?}");
}

#[test]
fn a_program_that_every_mac_has_and_that_is_not_there_is_a_failure() {
    let dir = tempfile::tempdir().expect("a directory");
    let mac = MacHost::below(dir.path()).expect("a root");
    for tool in [Tool::FileVault, Tool::SystemKeychain, Tool::Receipts] {
        let said = mac.tool(tool);
        let why = said.trouble().unwrap_or_else(|| panic!("{tool}: {said:?}"));
        assert!(why.contains("is missing, which every macOS has"), "{tool}: {why}");
    }
    assert!(matches!(mac.boot_id(), Answer::Failed(_)));
    assert!(matches!(mac.processes(), Answer::Failed(_)));
    // Older ones have none, and products of others need not be there.
    assert_eq!(mac.tool(Tool::SystemExtensions), Answer::Absent);
    assert_eq!(mac.tool(Tool::MdatpHealth), Answer::Absent);
}

#[test]
fn what_is_not_known_here_is_never_called_absent() {
    let mac = MacHost::open().expect("a root");
    assert!(matches!(mac.group("wheel"), Answer::Failed(_)));
    assert!(matches!(mac.tool(Tool::FalconState), Answer::Failed(_)));
    assert_eq!(mac.listeners(), Answer::Unsupported);
    assert_eq!(mac.ask(&Question::Services), Answer::Unsupported);
    assert_eq!(mac.tool(Tool::RpmQueryAll), Answer::Unsupported);
    assert!(mac.kernel().is_found() && mac.free_disk(&HostPath::unix("/")).is_found());
    assert!(mac.stat(&HostPath::unix("/"), Links::Followed).is_found());
    assert_eq!(mac.read(&HostPath::unix("/no/such/file"), 10), Answer::Absent);
    assert!(mac.list(&HostPath::unix("/")).is_found());
    assert_eq!(mac.mounts(), Answer::Unsupported);
    assert_eq!(mac.os_family(), OsFamily::Macos);
}
