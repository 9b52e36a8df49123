//! Builds packages with rpmbuild inside the root.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::harness::debian_root::DebianRoot;
use crate::harness::packages;
use crate::harness::process::{run, tool};

/// Where packages are built, inside.
const TOP: &str = "/root/rpmbuild";
const LIMIT: Duration = Duration::from_secs(120);

/// What a package is made of.
pub(super) struct Spec<'s> {
    pub(super) name: &'s str,
    /// Without a `-`.
    pub(super) version: &'s str,
    pub(super) release: &'s str,
    /// Further lines of the preamble.
    pub(super) preamble: &'s [&'s str],
}

impl Spec<'_> {
    /// Builds the package from the files below `TOP/NAME/tree`, where there are any, with the two scripts. Gives where it
    /// lies inside the root.
    pub(super) fn build(&self, root: &DebianRoot, post: &str, preun: &str) -> Result<String> {
        let Self {
            name, version, release, ..
        } = self;
        let home = root.outside(TOP).join(name);
        let tree = home.join("tree");
        fs::create_dir_all(&tree)?;
        let mut spec = format!(
            "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: Built for the tests of Cutover\nLicense: none\n\
             AutoReqProv: no\n%define __os_install_post %{{nil}}\n%define _build_id_links none\n"
        );
        for line in self.preamble {
            writeln!(spec, "{line}")?;
        }
        let files = listed(&tree)?;
        write!(
            spec,
            "%description\nBuilt for the tests of Cutover.\n%install\nmkdir -p %{{buildroot}}\n\
             cp --archive {TOP}/{name}/tree/. %{{buildroot}}/\n%files\n{files}%post\n{post}\n%preun\n{preun}\n"
        )?;
        fs::write(home.join("package.spec"), spec)?;
        let top = format!("_topdir {TOP}");
        let spec = format!("{TOP}/{name}/package.spec");
        let built = root
            .run(&["rpmbuild", "-bb", "--quiet", "--define", &top, &spec], LIMIT)?
            .succeeded();
        built.with_context(|| format!("rpmbuild made no {name}"))?;
        let machine = root.run(&["rpm", "--eval", "%{_target_cpu}"], LIMIT)?.succeeded()?;
        Ok(format!(
            "{TOP}/RPMS/{0}/{name}-{version}-{release}.{0}.rpm",
            machine.stdout.trim()
        ))
    }

    /// Where its files are laid out, outside.
    pub(super) fn tree(&self, root: &DebianRoot) -> std::path::PathBuf {
        root.outside(TOP).join(self.name).join("tree")
    }
}

/// Builds one of the planted products from the same files and scripts as its `.deb`.
pub(super) fn planted(root: &DebianRoot, spec: &Spec<'_>) -> Result<String> {
    let tree = spec.tree(root);
    fs::create_dir_all(tree.parent().context("a tree lies in a directory")?)?;
    packages::lay_out(root, spec.name, &tree)?;
    let control = tree.join("DEBIAN");
    let script = |name: &str| fs::read_to_string(control.join(name)).unwrap_or_default();
    // rpm gives the number of versions that stay as first argument; the scripts expect dpkg's words.
    let post = format!("set -- configure\n{}", script("postinst"));
    let preun = format!("[ \"$1\" = 0 ] || exit 0\nset -- remove\n{}", script("prerm"));
    fs::remove_dir_all(&control)?;
    // In the root /lib is a link, and a package of rpm's must not bring a directory in its place.
    if tree.join("lib").is_dir() {
        fs::create_dir_all(tree.join("usr"))?;
        let mut copy = tool("cp");
        copy.arg("--archive").arg(tree.join("lib")).arg(tree.join("usr"));
        run(copy, LIMIT)?.succeeded()?;
        fs::remove_dir_all(tree.join("lib"))?;
    }
    spec.build(root, &post, &preun)
}

/// The list for `%files`: all that is no directory, and the directories that are the vendor's own.
fn listed(tree: &Path) -> Result<String> {
    let find = |arguments: &[&str]| -> Result<String> {
        let mut find = tool("find");
        find.arg(tree).args(arguments);
        Ok(run(find, LIMIT)?.succeeded()?.stdout)
    };
    let files = find(&["!", "-type", "d", "-printf", "/%P\\n"])?;
    let own = find(&["-type", "d", "-path", "*/kaspersky/*", "-printf", "%%dir /%P\\n"])?;
    Ok(files + &own)
}
