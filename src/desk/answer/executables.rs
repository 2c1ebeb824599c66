//! The rules of `executables.toml`: which files can run on the recipient's machine.

mod archive;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use crate::desk::message::Attachment;
use crate::desk::rules::pattern::{self, Tests};
use crate::desk::rules::{RuleFault, Sources};

const FILE: &str = "executables.toml";

/// The compiled `rules/executables.toml`.
#[derive(Clone, Debug)]
pub struct ExecutableRules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    id: String,
    extensions: Vec<String>,
    types: Vec<String>,
    begins: Vec<u8>,
    holds: Vec<u8>,
    members: Vec<String>,
    in_archives: bool,
    tests: Tests,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Written>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[allow(dead_code, reason = "for the people who edit the file")]
    why: String,
    #[serde(default)]
    extensions: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    begins: String,
    #[serde(default)]
    holds: String,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    in_archives: bool,
    #[serde(default)]
    test: Tests,
}

impl ExecutableRules {
    /// Compiles `executables.toml`.
    ///
    /// # Errors
    /// Every rule that names none of extensions, first bytes and members of archives, or two of them, or writes
    /// them wrongly.
    pub fn compile(sources: &Sources) -> Result<ExecutableRules, Vec<RuleFault>> {
        let file: File = sources.parse(FILE).map_err(|fault| vec![fault])?;
        let mut faults = Vec::new();
        let mut rules = Vec::new();
        for written in file.rule {
            match Rule::read(&written) {
                Ok(rule) => rules.push(rule),
                Err(message) => {
                    let message = message.to_string();
                    faults.push(RuleFault { file: FILE.to_string(), rule: Some(written.id), message });
                }
            }
        }
        if faults.is_empty() { Ok(ExecutableRules(rules)) } else { Err(faults) }
    }

    /// Runs the tests that stand in `executables.toml`: those that fail.
    pub fn test(&self) -> Vec<RuleFault> {
        let test = |rule: &Rule| {
            let matches = |text: &str| match HEXLOWER_PERMISSIVE.decode(text.as_bytes()) {
                Ok(bytes) if !rule.begins.is_empty() => rule.matches("", "", &bytes),
                _ if text.contains('/') => rule.matches("", text, &[]),
                _ if !rule.members.is_empty() => rule.matches_member(text),
                _ => rule.matches(text, "", &[]),
            };
            pattern::test(FILE, &rule.id, &rule.tests, matches)
        };
        self.0.iter().flat_map(test).collect()
    }

    /// The id of the rule by which a file can run.
    pub fn rule(&self, file: &Attachment) -> Option<&str> {
        let by_itself = |rule: &&Rule| rule.matches(&file.name, &file.media_type, &file.content);
        let members = archive::names(&file.content);
        let by_members = |rule: &&Rule| members.iter().any(|name| rule.matches_member(name));
        let rule = self.0.iter().find(by_itself).or_else(|| self.0.iter().find(by_members))?;
        Some(&rule.id)
    }
}

impl Rule {
    fn read(written: &Written) -> Result<Rule, &'static str> {
        let ways = [!written.extensions.is_empty(), !written.begins.is_empty(), !written.members.is_empty()];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            return Err("takes one of `extensions`, `begins` and `members`");
        }
        let is_extension = |text: &String| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !written.extensions.iter().all(is_extension) {
            return Err("takes extensions in small letters and digits, without the point");
        }
        let bytes = |written: &str| {
            let decoded = HEXLOWER_PERMISSIVE.decode(written.as_bytes());
            decoded.map_err(|_| "takes the first bytes, and those it holds, as pairs of hexadecimal digits")
        };
        let (begins, holds) = (bytes(&written.begins)?, bytes(&written.holds)?);
        let Written { extensions, types, members, in_archives, test: tests, .. } = written.clone();
        let members = members.iter().map(|name| name.to_lowercase()).collect();
        Ok(Rule { id: written.id.clone(), extensions, types, begins, holds, members, in_archives, tests })
    }

    fn matches(&self, name: &str, media_type: &str, bytes: &[u8]) -> bool {
        if !self.begins.is_empty() {
            let holds = self.holds.is_empty() || bytes.windows(self.holds.len()).any(|window| window == self.holds);
            return bytes.starts_with(&self.begins) && holds;
        }
        if self.types.iter().any(|known| known == media_type) {
            return true;
        }
        self.has_extension(name)
    }

    /// Whether an archive with a file of this name counts.
    fn matches_member(&self, name: &str) -> bool {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        self.members.iter().any(|known| last.eq_ignore_ascii_case(known))
            || self.in_archives && self.has_extension(last)
    }

    fn has_extension(&self, name: &str) -> bool {
        // Windows drops points and blanks at the end of a name.
        let name = name.trim_end_matches(['.', ' ']).to_lowercase();
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| self.extensions.iter().any(|known| known == extension))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of empty files of these names: of each the header alone, as far as names are read.
    fn zip(names: &[&str]) -> Vec<u8> {
        let member = |name: &&str| {
            let length = u16::try_from(name.len()).expect("a short name").to_le_bytes();
            [b"PK\x03\x04".as_slice(), &[0; 22], &length, &[0; 2], name.as_bytes()].concat()
        };
        names.iter().flat_map(member).collect()
    }

    #[test]
    fn what_can_run_is_told_by_name_type_bytes_and_members() {
        let rules = ExecutableRules::compile(&Sources::built_in()).expect("rules");
        let check = |name: &str, content: &[u8], expected: Option<&str>| {
            let file = Attachment { name: name.to_string(), content: content.to_vec(), ..file() };
            assert_eq!(rules.rule(&file), expected, "{name}");
        };
        check("raport.pdf", b"%PDF-1.7", None);
        check("faktura.pdf.exe", b"", Some("windows"));
        check("faktura.pdf", b"MZ\x90\0", Some("dos-program"));
        check("w.img", b"", Some("images-of-disks"));
        check("ac.rdp", b"", Some("windows"));
        check("a.zip", &zip(&["log.txt", "SETUP.EXE"]), Some("windows"));
        check("a.zip", &zip(&["tools/run.vbs"]), Some("scripts"));
        check("a.zip", &zip(&["plyta.iso. "]), Some("images-of-disks"));
        check("logi.zip", &zip(&["log.txt", "collect.sh", "report.html", "exe/readme"]), None);
        check("umowa.docx", &zip(&["word/document.xml", "word/vbaProject.bin"]), Some("macros-inside"));
        check("umowa.docx", &zip(&["word/document.xml"]), None);
        let old = |text: &str| {
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0; 600], &wide].concat()
        };
        check("wycena.xls", &old("_VBA_PROJECT"), Some("macros-of-old-office"));
        check("wycena.xls", &old("Workbook"), None);
    }

    fn file() -> Attachment {
        let media_type = "application/octet-stream".to_string();
        Attachment { name: String::new(), media_type, content_id: None, content: Vec::new() }
    }
}
