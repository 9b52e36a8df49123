//! `cutover secret`: what products ask for before they go or come. Values come from files, never from the command line, which
//! every user of a machine can read.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Subcommand;
use cutover_core::report::instant;
use zeroize::Zeroizing;

use super::{
    client::Client,
    output::{self, Format, done},
};
use crate::service::{NewSecret, RemoveSecret, SecretValue, SecretView};

/// Longer files hold no secret that the server takes.
const FILE_MAX: usize = 64 * 1024;

/// Secrets.
#[derive(Debug, Subcommand)]
pub enum Secret {
    /// Sets one, in the place of what it was.
    Set(Set),
    /// Every one, without what it is.
    List,
    /// Removes one with its bytes.
    Remove {
        /// What it is called.
        name: String,
        /// The product that it is for, as the catalog calls it.
        #[arg(long)]
        product: String,
        /// Only says what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Sets a secret.
#[derive(Debug, clap::Args)]
pub struct Set {
    /// What it is called, such as uninstall-password.
    pub name: String,
    /// The product that it is for, as the catalog calls it.
    #[arg(long)]
    pub product: String,
    /// The file that has it, or `-` for standard input: a value on each line, the likeliest first.
    #[arg(long, value_name = "FILE")]
    pub value_file: PathBuf,
    /// The whole file is one value, such as an onboarding file, byte for byte.
    #[arg(long)]
    pub whole: bool,
    /// Only says what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) async fn ask(secret: &Secret, client: &Client, format: Format) -> anyhow::Result<()> {
    match secret {
        Secret::Set(set) => {
            let text = read(&set.value_file)?;
            let values = if set.whole { vec![whole(&text)?] } else { lines(&text)? };
            for (index, _) in values
                .iter()
                .enumerate()
                .filter(|(_, value)| !set.whole && value.has_blank_ends())
            {
                output::message(&format!(
                    "value {} begins or ends with a blank, which is kept",
                    index + 1
                ));
            }
            let ask = NewSecret {
                product: set.product.clone(),
                values,
                dry_run: set.dry_run,
            };
            done(&client.post(&format!("secrets/{}", set.name), &ask).await?, format)
        }
        Secret::List => list(&client.get::<Vec<SecretView>>("secrets", &[]).await?, format),
        Secret::Remove { name, product, dry_run } => {
            let ask = RemoveSecret {
                product: product.clone(),
                dry_run: *dry_run,
            };
            done(&client.post(&format!("secrets/{name}/remove"), &ask).await?, format)
        }
    }
}

fn list(secrets: &[SecretView], format: Format) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = secrets
        .iter()
        .map(|it| {
            vec![
                it.product.clone(),
                it.name.clone(),
                it.revision.to_string(),
                it.values.to_string(),
                instant(it.set_ms),
                it.by.clone(),
                it.fault.clone().unwrap_or_else(|| "none".to_owned()),
            ]
        })
        .collect();
    let header = ["product", "name", "revision", "values", "set at", "set by", "fault"];
    output::listing(format, &header, &rows, &secrets)
}

/// The bytes of the file, or of standard input.
fn read(file: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if file == Path::new("-") {
        let input = io::stdin();
        if input.is_terminal() {
            bail!("standard input is a terminal, which would show the secret; send it through a pipe, or name a file");
        }
        return bounded(input.lock(), "standard input");
    }
    let name = file.display().to_string();
    let opened = File::open(file).with_context(|| format!("cannot read {name}"))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = opened.metadata().map_or(0, |it| it.permissions().mode() & 0o777);
        // A pipe of a shell, as in `--value-file <(command)`, is nobody else's whatever its mode says.
        if mode & 0o044 != 0 && opened.metadata().is_ok_and(|it| it.is_file()) {
            output::message(&format!(
                "others on this machine can read {name}; delete it, or `chmod 600 {name}`"
            ));
        }
    }
    bounded(opened, &name)
}

fn bounded(from: impl Read, name: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    // All of it at once: a buffer that grows would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_MAX + 1));
    from.take(FILE_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {name}"))?;
    if bytes.len() > FILE_MAX {
        bail!("{name} has more than {FILE_MAX} bytes; no secret is that long");
    }
    Ok(bytes)
}

/// What is wrong with a file is said by number of line, and never by what stands there.
fn text(bytes: &[u8]) -> anyhow::Result<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .context("the file is no text in UTF-8; save it as such (editors of Windows call UTF-16 `Unicode`)")
}

fn whole(bytes: &[u8]) -> anyhow::Result<SecretValue> {
    let text = text(bytes)?;
    if text.trim().is_empty() {
        bail!("the file is empty");
    }
    Ok(SecretValue::new(text))
}

/// A value on each line; the last may end with the file. The mark that editors of Windows put before a text is none of it.
fn lines(bytes: &[u8]) -> anyhow::Result<Vec<SecretValue>> {
    let text = text(bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // `lines` takes both ends of line away, and makes no empty line of the last end.
    let values: Vec<&str> = text.lines().collect();
    if values.is_empty() {
        bail!("the file is empty");
    }
    if let Some(index) = values.iter().position(|line| line.trim().is_empty()) {
        bail!("line {} is empty; each line is a value", index + 1);
    }
    Ok(values.into_iter().map(SecretValue::new).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<SecretValue>, String> {
        lines(text).map_err(|error| error.to_string())
    }

    fn values(texts: &[&str]) -> Vec<SecretValue> {
        texts.iter().map(|text| SecretValue::new(text)).collect()
    }

    #[test]
    fn each_line_is_a_value_whatever_ends_it_and_whether_anything_ends_the_last() {
        for text in [
            "one\ntwo",
            "one\ntwo\n",
            "one\r\ntwo\r\n",
            "one\r\ntwo",
            "\u{feff}one\ntwo\n",
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), values(&["one", "two"]), "{text:?}");
        }
        assert_eq!(read(b"one").unwrap(), values(&["one"]));
        let kept = read(b" one \n").unwrap();
        assert_eq!(kept, values(&[" one "]));
        assert!(kept[0].has_blank_ends());
    }

    #[test]
    fn an_empty_file_an_empty_line_and_what_is_no_text_are_refused() {
        let utf16: Vec<u8> = "\u{feff}one".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, says) in [
            (&b""[..], "the file is empty"),
            (b"\n", "line 1 is empty"),
            (b"one\n\ntwo\n", "line 2 is empty"),
            (b"one\n\n", "line 2 is empty"),
            (b"one\n  \n", "line 2 is empty"),
            (&utf16, "UTF-8"),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("one"), "{error}");
        }
    }

    #[test]
    fn a_whole_file_is_one_value_byte_for_byte() {
        let file = "{\r\n  \"a\": 1\r\n}\r\n";
        assert_eq!(whole(file.as_bytes()).unwrap(), SecretValue::new(file));
        assert!(whole(b" \n").is_err());
    }

    #[test]
    fn no_more_is_read_than_a_secret_can_have() {
        assert_eq!(bounded(&vec![b'a'; FILE_MAX][..], "x").unwrap().len(), FILE_MAX);
        let error = bounded(io::repeat(b'a'), "x").unwrap_err().to_string();
        assert!(error.contains("more than"), "{error}");
    }
}
