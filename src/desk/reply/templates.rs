//! The sentences of `rules/templates/`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

use super::ReplyError;
use crate::desk::rules::{RuleFault, Sources};

/// The templates, compiled. A name that the program does not give is an error, not a gap.
#[derive(Clone, Debug)]
pub struct Templates(Environment<'static>);

/// What a template became.
pub(super) struct Page {
    /// The first line of the text template, after `Subject:`.
    pub subject: String,
    /// The rest of it.
    pub text: String,
    /// The HTML template of the same name, where there is one.
    pub html: Option<String>,
}

/// What the first line of a text template begins with.
const SUBJECT: &str = "Subject:";

impl Templates {
    /// Compiles every file below `templates/`.
    ///
    /// # Errors
    /// Every template that cannot be parsed, with file and line, or that lacks its subject line.
    pub fn compile(sources: &Sources) -> Result<Templates, Vec<RuleFault>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // A line that holds nothing but a block leaves no empty line behind.
        if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
            environment.set_syntax(syntax);
        }
        environment.set_auto_escape_callback(
            |name| {
                if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        let mut faults = Vec::new();
        for (file, text) in sources.below("templates/") {
            let fault = |message: String| RuleFault { file: file.to_string(), rule: None, message };
            let name = file.trim_start_matches("templates/").to_string();
            if name.ends_with(".txt") && !text.starts_with(SUBJECT) {
                faults.push(fault(format!("the first line must begin with `{SUBJECT}`")));
            }
            if let Err(error) = environment.add_template_owned(name, text.to_string()) {
                faults.push(fault(format!("{error:#}")));
            }
        }
        if faults.is_empty() { Ok(Templates(environment)) } else { Err(faults) }
    }

    /// Fills in `NAME.txt`, and `NAME.html` where there is one.
    pub(super) fn fill(&self, name: &str, context: &Value) -> Result<Page, ReplyError> {
        let text = self.render(&format!("{name}.txt"), context)?;
        let (subject, text) = text.split_once('\n').unwrap_or((&text, ""));
        let html = format!("{name}.html");
        let html = self.0.get_template(&html).is_ok().then(|| self.render(&html, context)).transpose()?;
        let subject = subject.trim_start_matches(SUBJECT).trim().to_string();
        Ok(Page { subject, text: text.trim_start_matches('\n').to_string(), html })
    }

    fn render(&self, name: &str, context: &Value) -> Result<String, ReplyError> {
        let refuse =
            |error: minijinja::Error| ReplyError::Template { name: name.to_string(), message: error.to_string() };
        self.0.get_template(name).and_then(|template| template.render(Serde(context))).map_err(refuse)
    }
}
