//! `cutover-agent scan --root` as scripts run it: exit codes, and what is said of every bad root.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

const STATUS: &str = "var/lib/dpkg/status";

/// `nobody` on Linux: root may read everything, so that a refusal needs somebody else.
const NOBODY: u32 = 65_534;

fn stanza(name: &str) -> String {
    format!("Package: {name}\nStatus: install ok installed\nVersion: 1-1\nArchitecture: amd64\n\n")
}

/// A Debian with this in dpkg's status file; with none where there is no text.
fn debian(status: Option<&[u8]>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let open_to_all = fs::Permissions::from_mode(0o755);
    fs::set_permissions(dir.path(), open_to_all).unwrap();
    for path in ["etc", "var/lib/dpkg/info", "opt"] {
        fs::create_dir_all(dir.path().join(path)).unwrap();
    }
    fs::write(
        dir.path().join("etc/os-release"),
        "ID=debian\nPRETTY_NAME=\"Debian 12\"\n",
    )
    .unwrap();
    if let Some(status) = status {
        fs::write(dir.path().join(STATUS), status).unwrap();
    }
    dir
}

fn ended(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(stdout), text(stderr));
    assert!(!err.contains("panicked"), "{err}");
    (status.code().expect("ended by itself"), out, err)
}

fn scanning(program: &Path, root: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this test is about the program")]
    let mut command = Command::new(program);
    command.env_clear().arg("scan").arg("--root").arg(root);
    command
}

fn scan(root: &Path) -> (i32, String, String) {
    ended(scanning(Path::new(env!("CARGO_BIN_EXE_cutover-agent")), root))
}

#[test]
fn the_exit_code_says_whether_a_target_is_there() {
    let clean = debian(Some(stanza("dpkg").as_bytes()));
    assert_eq!(scan(clean.path()).0, 0);
    let carrying = debian(Some((stanza("dpkg") + &stanza("kesl")).as_bytes()));
    let (code, out, _) = scan(carrying.path());
    assert_eq!(code, 10);
    assert!(out.contains("kesl"), "{out}");
    let (code, out, err) = scan(Path::new("/no/such/root"));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("/no/such/root") && err.contains("name a directory"),
        "{err}"
    );
}

#[test]
fn every_bad_root_ends_with_11_and_says_what_to_do() {
    let whole = stanza("dpkg") + &stanza("base-files");
    let cut = &whole.as_bytes()[..whole.len() - 9];
    let restore = "/var/backups/dpkg.status";
    let gigabyte = debian(None);
    let file = fs::File::create(gigabyte.path().join(STATUS)).unwrap();
    file.set_len(1 << 30).unwrap();
    let leading_out = debian(None);
    symlink("../../../../../outside", leading_out.path().join(STATUS)).unwrap();
    let half_there = debian(Some(whole.as_bytes()));
    fs::remove_dir(half_there.path().join("opt")).unwrap();
    symlink("/mnt/another-disk", half_there.path().join("opt")).unwrap();
    let bad = [
        ("missing", debian(None), restore),
        ("cut in the middle", debian(Some(cut)), restore),
        (
            "not UTF-8",
            debian(Some(b"Package: k\xffsl\nStatus: install ok installed\n\n")),
            restore,
        ),
        ("empty", debian(Some(b"")), restore),
        ("of a gigabyte", gigabyte, "put a sound copy in its place"),
        ("a link out", leading_out, "put what it leads to below the root"),
        ("behind a link out", half_there, "put what it leads to below the root"),
    ];
    for (what, root, says) in bad {
        let (code, out, err) = scan(root.path());
        assert_eq!(code, 11, "{what}: {out}{err}");
        assert!(out.replace('\n', " ").contains(says), "{what}: {out}");
    }
}

#[test]
fn a_database_that_may_not_be_read_is_unknown_and_says_who_may() {
    let root = debian(Some(stanza("dpkg").as_bytes()));
    let secret = fs::Permissions::from_mode(0o000);
    fs::set_permissions(root.path().join(STATUS), secret).unwrap();
    let (code, out, err) = if rustix::process::geteuid().is_root() {
        // The program's own directory may be closed to others.
        let place = debian(None);
        let program = place.path().join("cutover-agent");
        fs::copy(env!("CARGO_BIN_EXE_cutover-agent"), &program).unwrap();
        let mut command = scanning(&program, root.path());
        command.uid(NOBODY).gid(NOBODY);
        ended(command)
    } else {
        scan(root.path())
    };
    assert_eq!(code, 11, "{out}{err}");
    assert!(out.contains("may not be read; run as root"), "{out}");
}
