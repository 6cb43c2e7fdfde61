//! The sandbox that a chat template runs in: fuel, recursion and output are limited, nothing outside can be reached.

use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, context};

use crate::prompt::{Message, Role};

/// Instructions that a render may take; minijinja charges for the bytes that it makes as well. Known limit: it does
/// not charge for lists that are added to themselves, so a *trusted* template can still use up the memory that way.
const FUEL: u64 = 100_000;
/// Nesting of macros, includes and loops.
const RECURSION: usize = 64;
/// Bytes that a template may have, and bytes that a render may write.
const LONGEST: usize = 1 << 20;

/// What a stand-in starts with: a private-use character that no sane template writes itself.
pub(super) const STAND_IN: char = '\u{f8fe}';

/// The stand-in for a message's text.
pub(super) fn stand_in(index: usize) -> String {
    format!("{STAND_IN}{index}\u{f8fd}")
}

/// What the vocabulary says about itself.
pub(super) struct Variables {
    /// Text of the first token, if prompts start with one.
    pub(super) bos: String,
    /// Text of the end token.
    pub(super) eos: String,
    /// The model would think aloud first if it were let: open and close its thoughts for it.
    pub(super) skip_thinking: bool,
}

/// A parsed template.
pub(super) struct Jinja {
    environment: Environment<'static>,
    variables: Variables,
}

impl Jinja {
    /// Parses `source` as Hugging Face's chat templates are parsed.
    pub(super) fn new(source: &str, variables: Variables) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("the template has {} bytes, at most {LONGEST}", source.len()));
        }
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        let blocks = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(plain)?;
        environment.set_syntax(blocks);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_filter("tojson", tojson);
        environment.add_template_owned("chat", source.to_owned()).map_err(plain)?;
        Ok(Self { environment, variables })
    }

    /// Renders the messages' roles around stand-ins for their texts, and the opening of the answer.
    pub(super) fn render(&self, messages: &[Message]) -> Result<String, String> {
        let template = self.environment.get_template("chat").map_err(plain)?;
        let messages: Vec<Value> = messages
            .iter()
            .enumerate()
            .map(|(index, message)| context! { role => role(message.role), content => stand_in(index) })
            .collect();
        let variables = context! {
            messages,
            add_generation_prompt => true,
            bos_token => self.variables.bos.as_str(),
            eos_token => self.variables.eos.as_str(),
            tools => (),
            enable_thinking => false,
            skip_thinking => self.variables.skip_thinking,
        };
        let mut output = Bounded(Vec::new());
        template.render_captured_to(variables, &mut output).map_err(plain)?;
        String::from_utf8(output.0).map_err(|_| "the template writes something that is not UTF-8".into())
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// Room for a megabyte.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST {
            return Err(io::Error::other("the template writes more than 1 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a template refuses a conversation.
fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Always the same day (that of the Llama 3.1 templates): a prompt must have the same tokens tomorrow, or no cache,
/// no grade and no seed would mean anything.
fn strftime_now(format: &str) -> String {
    let parts = [("%d", "26"), ("%b", "Jul"), ("%B", "July"), ("%m", "07"), ("%Y", "2024"), ("%H", "00"), ("%M", "00")];
    parts.iter().fold(format.to_owned(), |text, (code, value)| text.replace(code, value))
}

/// minijinja's filter with the options that templates written for Python's `json.dumps` pass; the output is always UTF-8.
fn tojson(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<Value> = options.get("indent")?;
    let _: Option<bool> = options.get("ensure_ascii")?;
    let _: Option<Value> = options.get("separators")?;
    let _: Option<bool> = options.get("sort_keys")?;
    options.assert_all_used()?;
    minijinja::filters::tojson(value, indent, std::iter::empty::<(String, Value)>().collect())
}

/// The error's message and its causes on one line, without a dump of the template.
fn plain(error: Error) -> String {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
