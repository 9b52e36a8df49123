//! Offline roots on a real file system, by both ways of keeping a look inside; recordings.

use std::{fs, os::unix::fs::symlink, path::Path};

use cutover_proto::inventory::OsFamily;

use super::{Fixture, HostPath, HostView, Links, Recorder, Rooted, rootdir::Resolve};
use crate::facts::{Answer, EntryKind, Tool, ToolOutput};

const STATUS: &str = "/var/lib/dpkg/status";

/// A root and a directory beside it that no look may reach.
fn outside_and_root() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let root = dir.path().join("root");
    fs::create_dir_all(root.join("var/lib/dpkg")).expect("made");
    fs::create_dir_all(root.join("etc")).expect("made");
    fs::create_dir_all(dir.path().join("outside")).expect("made");
    fs::write(dir.path().join("outside/status"), "secret").expect("written");
    (dir, root)
}

fn both_ways(root: &Path) -> Vec<Rooted> {
    let open = || Rooted::open(root).expect("a root");
    vec![
        open(),
        open().resolving(Resolve::Walk),
        #[cfg(target_os = "linux")]
        open().resolving(Resolve::Kernel),
    ]
}

#[test]
fn a_file_inside_is_read_and_listed() {
    let (_dir, root) = outside_and_root();
    fs::write(root.join("etc/hostname"), "inside\n").expect("written");
    symlink("../etc/hostname", root.join("var/name")).expect("linked");
    symlink("/etc", root.join("var/etc")).expect("linked");
    for host in both_ways(&root) {
        for path in [
            "/etc/hostname",
            "/var/name",
            "/var/etc/hostname",
            "/etc/../etc/hostname",
        ] {
            assert_eq!(
                host.read(&HostPath::unix(path), 100),
                Answer::Found(b"inside\n".to_vec()),
                "{path}"
            );
        }
        let names = host.list(&HostPath::unix("/var")).found().expect("listed");
        let names: Vec<_> = names.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
        assert_eq!(
            names,
            [
                ("etc", EntryKind::Link),
                ("lib", EntryKind::Directory),
                ("name", EntryKind::Link)
            ]
        );
        let kind = |path, links| host.stat(&HostPath::unix(path), links).found().map(|stat| stat.kind);
        assert_eq!(kind("/var/name", Links::Followed), Some(EntryKind::File));
        assert_eq!(kind("/var/name", Links::AsTheyAre), Some(EntryKind::Link));
        assert_eq!(kind("/", Links::Followed), Some(EntryKind::Directory));
        assert_eq!(host.read(&HostPath::unix("/none"), 1), Answer::Absent);
        assert_eq!(
            host.stat(&HostPath::unix("/etc/hostname/x"), Links::Followed),
            Answer::Absent
        );
        assert!(host.free_disk(&HostPath::unix("/var")).is_found());
        assert_eq!(host.processes(), Answer::Unsupported);
    }
}

#[test]
fn a_link_that_leads_out_is_not_followed_out() {
    let (dir, root) = outside_and_root();
    let status = root.join("var/lib/dpkg/status");
    let absolute = dir.path().join("outside/status");
    for target in [
        absolute.as_path(),
        Path::new("../../../../outside/status"),
        Path::new("../../../../../../../../etc/passwd"),
    ] {
        let _ = fs::remove_file(&status);
        symlink(target, &status).expect("linked");
        for host in both_ways(&root) {
            let answer = host.read(&HostPath::unix(STATUS), 1 << 20);
            assert!(
                matches!(&answer, Answer::Failed(why) if why.contains("not followed out of the root")),
                "{target:?}: {answer:?}"
            );
            assert!(host.stat(&HostPath::unix(STATUS), Links::AsTheyAre).is_found());
        }
    }
}

#[test]
fn a_directory_that_is_a_link_out_is_not_entered() {
    let (dir, root) = outside_and_root();
    symlink(dir.path().join("outside"), root.join("opt")).expect("linked");
    for host in both_ways(&root) {
        assert!(matches!(host.list(&HostPath::unix("/opt")), Answer::Failed(_)));
        // What lies behind the link cannot be known, so it is never absent.
        let behind = HostPath::unix("/opt/status");
        let failed = [
            host.read(&behind, 100).map(drop),
            host.list(&behind).map(drop),
            host.stat(&behind, Links::Followed).map(drop),
            host.stat(&behind, Links::AsTheyAre).map(drop),
            host.free_disk(&behind).map(drop),
        ];
        for answer in failed {
            assert!(
                matches!(&answer, Answer::Failed(why) if why.starts_with("/opt is a link to something that is not there")),
                "{answer:?}"
            );
        }
    }
}

#[test]
fn a_link_is_told_as_it_stands_also_when_it_leads_nowhere() {
    let (dir, root) = outside_and_root();
    symlink("/usr/share/zoneinfo/Europe/Berlin", root.join("etc/localtime")).expect("linked");
    symlink("localtime", root.join("etc/other")).expect("linked");
    symlink(dir.path().join("outside"), root.join("opt")).expect("linked");
    fs::write(root.join("etc/hostname"), "inside\n").expect("written");
    for host in both_ways(&root) {
        let link = |path: &str| host.link(&HostPath::unix(path));
        assert_eq!(
            link("/etc/localtime"),
            Answer::Found("/usr/share/zoneinfo/Europe/Berlin".to_owned())
        );
        assert_eq!(link("/etc/other"), Answer::Found("localtime".to_owned()));
        assert_eq!(link("/etc/none"), Answer::Absent);
        for path in ["/etc/hostname", "/etc", "/"] {
            let answer = link(path);
            assert!(
                matches!(&answer, Answer::Failed(why) if why.contains("is no link")),
                "{path}: {answer:?}"
            );
        }
        // What lies behind a link out cannot be known.
        assert!(matches!(link("/opt/localtime"), Answer::Failed(_)));
    }
    let recorder = Recorder::new(Rooted::open(&root).expect("a root"), "a test");
    let path = HostPath::unix("/etc/localtime");
    let told = recorder.link(&path);
    let json = recorder.fixture().to_json().expect("json");
    let replayed = Fixture::from_json(&json).expect("reads back");
    assert_eq!(replayed.link(&path), told);
    assert!(matches!(
        replayed.link(&HostPath::unix("/etc/other")),
        Answer::Failed(_)
    ));
}

#[test]
fn links_in_a_circle_end() {
    let (_dir, root) = outside_and_root();
    symlink("/etc/b", root.join("etc/a")).expect("linked");
    symlink("a", root.join("etc/b")).expect("linked");
    for host in both_ways(&root) {
        let answer = host.read(&HostPath::unix("/etc/a"), 100);
        assert!(
            matches!(&answer, Answer::Failed(why) if why.contains("circle")),
            "{answer:?}"
        );
    }
}

#[test]
fn a_gigabyte_is_refused_and_not_read() {
    let (_dir, root) = outside_and_root();
    let file = fs::File::create(root.join("var/lib/dpkg/status")).expect("made");
    file.set_len(1 << 30).expect("sparse");
    for host in both_ways(&root) {
        let answer = host.read(&HostPath::unix(STATUS), 64 << 20);
        assert!(
            matches!(&answer, Answer::Failed(why) if why.contains("longer than")),
            "{answer:?}"
        );
    }
}

#[test]
fn a_pipe_in_place_of_a_file_does_not_hold_the_look() {
    let (_dir, root) = outside_and_root();
    let pipe = root.join("var/lib/dpkg/status");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("a pipe");
    for host in both_ways(&root) {
        assert!(matches!(host.read(&HostPath::unix(STATUS), 100), Answer::Failed(_)));
        assert!(matches!(host.read(&HostPath::unix("/etc"), 100), Answer::Failed(_)));
        assert!(matches!(host.list(&HostPath::unix(STATUS)), Answer::Failed(_)));
    }
}

#[test]
fn a_root_that_is_not_there_is_an_error_with_a_remedy() {
    let error = Rooted::open(Path::new("/no/such/root"))
        .expect_err("not there")
        .to_string();
    assert!(
        error.contains("/no/such/root") && error.contains("name a directory"),
        "{error}"
    );
}

#[test]
fn what_was_recorded_answers_the_same_and_nothing_else_is_absent() {
    let (_dir, root) = outside_and_root();
    fs::write(root.join("etc/hostname"), "alices-laptop\n").expect("written");
    fs::write(root.join("etc/x"), b"\xff\xfe").expect("written");
    fs::write(root.join("etc/y"), "no line end, /home/alice/x").expect("written");
    let recorder = Recorder::new(Rooted::open(&root).expect("a root"), "a test");
    let paths = ["/etc/hostname", "/etc/x", "/etc/y", "/etc/none"].map(HostPath::unix);
    for path in &paths {
        let _ = (recorder.read(path, 100), recorder.stat(path, Links::Followed));
    }
    let _ = (
        recorder.list(&HostPath::unix("/etc")),
        recorder.processes(),
        recorder.boot_id(),
    );

    let json = recorder.fixture().to_json().expect("json");
    assert!(!json.contains("alice"), "{json}");
    let replayed = Fixture::from_json(&json).expect("reads back");
    assert_eq!(replayed, recorder.fixture());
    assert_eq!(replayed.read(&paths[0], 100), Answer::Found(b"host\n".to_vec()));
    assert_eq!(replayed.read(&paths[1], 100), Answer::Found(b"\xff\xfe".to_vec()));
    assert_eq!(
        replayed.read(&paths[2], 100),
        Answer::Found(b"no line end, /home/user1/x".to_vec())
    );
    assert_eq!(replayed.read(&paths[3], 100), Answer::Absent);
    assert_eq!(replayed.processes(), Answer::Unsupported);
    assert_eq!(
        replayed.list(&HostPath::unix("/etc")),
        recorder.list(&HostPath::unix("/etc"))
    );
    assert!(
        matches!(replayed.read(&paths[1], 1), Answer::Failed(_)),
        "the bound holds in a replay"
    );
    assert!(matches!(
        replayed.read(&HostPath::unix("/never/asked"), 1),
        Answer::Failed(_)
    ));
    assert!(matches!(replayed.kernel(), Answer::Failed(_)));
}

#[test]
fn what_a_tool_said_is_recorded_without_users_and_replays() {
    let output = |stdout: &str, stderr: &str| ToolOutput {
        stdout: stdout.as_bytes().to_vec(),
        stderr: stderr.as_bytes().to_vec(),
    };
    let host = Fixture::bare(OsFamily::Linux, "x").with_tool(
        Tool::RpmQueryAll,
        "rpm\t4-1\tx86_64\n",
        "warning: /home/alice/.rpmmacros\n",
    );
    let recorder = Recorder::new(host, "a test");
    let said = recorder.tool(Tool::RpmQueryAll);
    let true_words = output("rpm\t4-1\tx86_64\n", "warning: /home/alice/.rpmmacros\n");
    assert_eq!(said, Answer::Found(true_words), "whoever looks gets the true answer");
    let json = recorder.fixture().to_json().expect("json");
    assert!(!json.contains("alice"), "{json}");
    let replayed = Fixture::from_json(&json).expect("reads back").tool(Tool::RpmQueryAll);
    let kept = output("rpm\t4-1\tx86_64\n", "warning: /home/user1/.rpmmacros\n");
    assert_eq!(replayed, Answer::Found(kept));

    let failing = Fixture::bare(OsFamily::Linux, "x").with_failing_tool(Tool::RpmQueryAll, "error: /home/alice/db");
    let recorder = Recorder::new(failing, "a test");
    let _ = recorder.tool(Tool::RpmQueryAll);
    let replayed = recorder.fixture().tool(Tool::RpmQueryAll);
    assert_eq!(replayed, Answer::Failed("error: /home/user1/db".into()));
    let never = Fixture::unasked(OsFamily::Linux, "x").tool(Tool::RpmQueryAll);
    assert!(matches!(never, Answer::Failed(_)), "{never:?}");
}

#[test]
fn nobody_is_asked_about_a_root_that_does_not_run() {
    let (_dir, root) = outside_and_root();
    let rooted = Rooted::open(&root).expect("a root");
    for tool in Tool::ALL {
        assert_eq!(rooted.tool(*tool), Answer::Unsupported);
    }
}

#[test]
fn a_recording_of_another_version_is_refused() {
    let json = Fixture::bare(OsFamily::Linux, "x").to_json().expect("json");
    let newer = json.replace("\"schema\": 1", "\"schema\": 2");
    assert_eq!(
        Fixture::from_json(&newer).expect_err("newer").to_string(),
        "has schema 2; this version reads schema 1"
    );
    let strange = json.replace("\"about\"", "\"abuot\"");
    assert!(Fixture::from_json(&strange).is_err());
}
