//! `isbg completions` and `isbg man`: made from the same definitions as the help. Does not describe anything itself.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::{self, definition};
use crate::config::DOCUMENTED;
use crate::exit::Status;

use super::print;

/// Prints the completions for a shell.
///
/// # Errors
/// When standard output cannot be written.
pub fn completions(shell: Shell) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut definition(), "isbg", &mut script);
    print(&String::from_utf8_lossy(&script))
}

/// Prints isbg's own page, or writes all pages into a folder.
///
/// # Errors
/// When the output cannot be written.
pub fn pages(typed: &args::Man) -> Result<Status> {
    let Some(folder) = &typed.output else {
        let mut page = Vec::new();
        Man::new(definition()).render(&mut page)?;
        return print(&String::from_utf8_lossy(&page));
    };
    write_into(folder).with_context(|| format!("cannot write the manual pages into {}", folder.display()))?;
    Ok(Status::Fine)
}

fn write_into(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(definition(), folder)?;
    let mut page = fs::File::create(folder.join("isbg-config.5"))?;
    page.write_all(config_page().as_bytes())?;
    Ok(())
}

/// The page isbg-config(5): the keys of the config file.
fn config_page() -> String {
    let mut page = format!(
        ".TH isbg-config 5 \"\" \"isbg {}\"\n.SH NAME\nisbg\\-config \\- isbg's config file\n.SH DESCRIPTION\n",
        env!("CARGO_PKG_VERSION")
    );
    page.push_str(
        "The file\n.I $XDG_CONFIG_HOME/isbg/config.toml\nis written in TOML. Each table\n.B [account.NAME]\n\
         describes a mailbox for\n.BR isbg\\-scan (1)\nand\n.BR isbg\\-learn (1);\nthe table\n.B [defaults]\n\
         gives keys to all of them. Unknown keys are errors.\n.SH KEYS\n",
    );
    for (name, text) in DOCUMENTED {
        let name = name.replace('_', "\\-");
        let text = text
            .trim()
            .replace('\\', "\\e")
            .replace('-', "\\-")
            .replace('`', "");
        page.push_str(&format!(".TP\n.B {name}\n{text}\n"));
    }
    page
}
