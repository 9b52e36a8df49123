//! The files of the workspace, as they lie on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// Directories that hold nothing of ours: what is built, and git's own.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// Endings of what editors and the runner leave behind; `.gitignore` names them too.
const LEFT_BEHIND: [&str; 2] = ["swp", "snap.new"];

/// Paths relative to the root, sorted.
pub(crate) struct Tree {
    root: PathBuf,
    files: BTreeMap<PathBuf, u64>,
    directories: BTreeSet<PathBuf>,
}

impl Tree {
    /// Walks the workspace that this crate lies in.
    pub(crate) fn of_the_workspace() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the crate lies in the workspace")
            .to_owned();
        Self::walk(root).expect("the workspace can be read")
    }

    /// Walks a directory. Symbolic links are not followed.
    pub(crate) fn walk(root: PathBuf) -> io::Result<Self> {
        let mut tree = Self {
            root,
            files: BTreeMap::new(),
            directories: BTreeSet::from([PathBuf::new()]),
        };
        let mut open = vec![PathBuf::new()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(tree.root.join(&directory))? {
                let entry = entry?;
                let path = directory.join(entry.file_name());
                let kind = entry.file_type()?;
                if kind.is_dir() && !SKIPPED.iter().any(|name| entry.file_name() == OsStr::new(name)) {
                    tree.directories.insert(path.clone());
                    open.push(path);
                } else if kind.is_file() && !left_behind(&path) {
                    tree.files.insert(path, entry.metadata()?.len());
                }
            }
        }
        Ok(tree)
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Every file whose name ends so (without the dot).
    pub(crate) fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a Path> {
        self.files()
            .filter(move |file| file.extension() == Some(OsStr::new(extension)))
    }

    /// What a file holds.
    pub(crate) fn bytes(&self, file: &Path) -> Vec<u8> {
        fs::read(self.root.join(file)).expect("a file that the walk saw can be read")
    }

    /// A file's text; nothing where there is no such file or it is not UTF-8.
    pub(crate) fn text(&self, file: &Path) -> Option<String> {
        self.files.get(file)?;
        String::from_utf8(self.bytes(file)).ok()
    }

    /// For links: a file's text (empty where it is not text), an empty text for a directory, nothing for neither.
    pub(crate) fn look_up(&self, path: &Path) -> Option<String> {
        match self.directories.contains(path) {
            true => Some(String::new()),
            false => self.files.get(path).map(|_| self.text(path).unwrap_or_default()),
        }
    }

    /// Whether there is such a file or directory.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.directories.contains(path) || self.files.contains_key(path)
    }
}

fn left_behind(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|path| LEFT_BEHIND.iter().any(|ending| path.ends_with(&format!(".{ending}"))))
}

#[test]
fn a_walk_sees_files_and_leaves_out_what_is_built() {
    let root = tempfile::tempdir().expect("a directory for the test");
    for file in ["src/a.rs", "src/.b.rs.swp", "target/c.rs", "docs/d.md"] {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().expect("has a directory")).expect("can be made");
        fs::write(path, "text").expect("can be written");
    }
    let tree = Tree::walk(root.path().to_owned()).expect("can be read");
    assert_eq!(
        tree.files().collect::<Vec<_>>(),
        [Path::new("docs/d.md"), Path::new("src/a.rs")]
    );
    assert_eq!(tree.with_extension("rs").collect::<Vec<_>>(), [Path::new("src/a.rs")]);
    assert_eq!(tree.look_up(Path::new("docs")), Some(String::new()));
    assert_eq!(tree.look_up(Path::new("docs/d.md")), Some("text".to_owned()));
    assert_eq!(tree.look_up(Path::new("docs/e.md")), None);
    assert!(tree.holds(Path::new("src")) && !tree.holds(Path::new("target")));
}
