//! An interview in a terminal, over the same desk as the page. The interviewer's words go to standard output, talk
//! about them to standard error; with `--json` standard output holds the scorecard alone.

mod input;
mod lines;

use std::io::{IsTerminal, Write};

use tokio::sync::mpsc;

use super::room::session_exit;
use crate::exit::{self, Exit};
use crate::export::{scorecard_text, visible};
use crate::interview::desk::{Desk, GradeEvent, GradeOptions};
use crate::interview::session::{Reply, ReplyEvent, SessionError, SessionView, Status};
use crate::interview::transcript::Speaker;
use input::{Spoken, Typing};
use lines::Lines;

/// How an interview is held in a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The scorecard as JSON on standard output, everything else on standard error.
    pub json: bool,
    /// Grade at the end.
    pub grade: bool,
}

const HELP: &str = "An answer ends with an empty line or a line with only a dot.
  /hint    what the next hint costs; once more gives it
  /time    the clock and the phase
  /pause   stop the clock; /resume lets it run again
  /finish  end the interview
  /help    this
Ctrl+C leaves; nothing is lost, the session can be resumed.";

/// How a sitting at the terminal ended.
enum Ended {
    /// The interview is over.
    Finished,
    /// The person left; the session waits.
    Left,
}

/// Holds the interview from where `view` stands to its end, then grades it.
///
/// # Errors
/// [`Exit`] with 130 on Ctrl+C; whatever the desk refuses.
pub async fn hold(desk: &Desk, view: &SessionView, options: &Options) -> anyhow::Result<()> {
    let mut room = Room {
        desk,
        id: view.summary.id.clone(),
        options,
        typing: Typing::default(),
        lines: Lines::new(width()),
        offered: false,
    };
    room.greet(view)?;
    let ended = tokio::select! {
        ended = room.interview(view) => Some(ended?),
        _ = tokio::signal::ctrl_c() => None,
    };
    match ended {
        Some(Ended::Finished) => {}
        Some(Ended::Left) => {
            room.keep_draft().await;
            eprintln!("\n{}", room.how_to_go_on());
            return Ok(());
        }
        None => {
            room.keep_draft().await;
            return Err(Exit::new(exit::INTERRUPTED, format!("interrupted. {}", room.how_to_go_on())));
        }
    }
    if !options.grade {
        return Ok(());
    }
    tokio::select! {
        graded = room.grade() => graded,
        _ = tokio::signal::ctrl_c() => {
            Err(Exit::new(exit::INTERRUPTED, format!("interrupted before the scorecard. {}", room.how_to_go_on())))
        }
    }
}

/// Lines for a person; a file or a pipe gets the words as they are.
fn width() -> usize {
    if std::io::stdout().is_terminal() { 80 } else { 0 }
}

struct Room<'a> {
    desk: &'a Desk,
    id: String,
    options: &'a Options,
    typing: Typing,
    lines: Lines,
    /// The cost of the next hint has just been said.
    offered: bool,
}

impl Room<'_> {
    fn greet(&mut self, view: &SessionView) -> anyhow::Result<()> {
        if view.summary.status != Status::Finished {
            eprintln!(
                "{} (session {})\nAn answer ends with an empty line. /help says what else can be typed.\n",
                visible(&view.summary.title),
                self.id
            );
            if let Some(document) = &view.document {
                self.say(&format!("{}\n\n", visible(document)))?;
            }
        }
        // Someone who comes back needs the thread again, not the whole transcript.
        let last = view.turns.len().saturating_sub(3);
        for turn in view.turns.iter().skip(last) {
            match turn.role {
                Speaker::Interviewer => self.say(&format!("{}\n\n", visible(&turn.text)))?,
                Speaker::Candidate => eprintln!("> {}\n", visible(&turn.text).replace('\n', "\n> ")),
            }
        }
        if !view.draft.is_empty() {
            eprintln!("Your draft from before (type your answer anew):\n{}\n", visible(&view.draft));
        }
        Ok(())
    }

    async fn interview(&mut self, view: &SessionView) -> anyhow::Result<Ended> {
        let mut lines = input::lines();
        if view.summary.status == Status::Paused {
            self.desk.resume(&self.id).map_err(session_exit)?;
        }
        if view.replying.is_some() {
            let reply = self.desk.attach(&self.id).map_err(session_exit)?;
            self.listen(reply).await?;
        }
        loop {
            if self.view()?.summary.status == Status::Finished {
                return Ok(Ended::Finished);
            }
            match self.next(&mut lines).await {
                Some(Spoken::Answer(text)) => self.answer(text).await?,
                Some(Spoken::Finish) => {
                    self.desk.finish(&self.id).map_err(session_exit)?;
                }
                Some(command) => self.command(&command)?,
                // Ctrl+D on a terminal leaves; a script that has said everything is done.
                None if std::io::stdin().is_terminal() => return Ok(Ended::Left),
                None => {
                    self.desk.finish(&self.id).map_err(session_exit)?;
                }
            }
        }
    }

    /// The next answer or command; none at the end of input.
    async fn next(&mut self, lines: &mut mpsc::Receiver<String>) -> Option<Spoken> {
        while let Some(line) = lines.recv().await {
            if let Some(spoken) = self.typing.line(&line) {
                return Some(spoken);
            }
        }
        self.typing.rest().map(Spoken::Answer)
    }

    async fn answer(&mut self, text: String) -> anyhow::Result<()> {
        self.offered = false;
        let next = self.view()?.next_seq;
        match self.desk.answer(&self.id, text, next, None) {
            Ok(reply) => self.listen(reply).await,
            Err(refused @ (SessionError::TooLong { .. } | SessionError::Invalid(_) | SessionError::WrongState(_))) => {
                eprintln!("{refused}");
                Ok(())
            }
            Err(error) => Err(session_exit(error)),
        }
    }

    /// Tells a reply as it comes. A reply that fails is asked for once more.
    async fn listen(&mut self, mut reply: Reply) -> anyhow::Result<()> {
        let mut again = true;
        let mut told = false;
        while let Some(event) = reply.recv().await {
            match event {
                ReplyEvent::Prefill { .. } => {}
                ReplyEvent::Coach { text, .. } => eprintln!("Coach: {}\n", visible(&text)),
                ReplyEvent::Token { text } => {
                    told = true;
                    self.say(&visible(&text))?;
                }
                ReplyEvent::Done { turn } if told => {
                    let _ = turn;
                    self.say("\n\n")?;
                }
                ReplyEvent::Done { turn } => self.say(&format!("{}\n\n", visible(&turn.text)))?,
                ReplyEvent::Error { message, .. } if again => {
                    eprintln!("\n{message} (trying once more)");
                    (again, told) = (false, false);
                    reply = self.desk.attach(&self.id).map_err(session_exit)?;
                }
                ReplyEvent::Error { message, .. } => anyhow::bail!("{message}. {}", self.how_to_go_on()),
            }
        }
        Ok(())
    }

    fn command(&mut self, command: &Spoken) -> anyhow::Result<()> {
        let offered = std::mem::take(&mut self.offered);
        match command {
            Spoken::Hint => self.hint(offered)?,
            Spoken::Pause => {
                self.desk.pause(&self.id).map_err(session_exit)?;
                eprintln!("The clock stands. /resume lets it run again.");
            }
            Spoken::Resume => {
                self.desk.resume(&self.id).map_err(session_exit)?;
                eprintln!("The clock runs.");
            }
            Spoken::Time => {
                let view = self.view()?;
                let phase = view.plan.iter().find(|phase| phase.id == view.phase);
                let minutes = |ms: u64| format!("{}:{:02}", ms / 60_000, ms / 1000 % 60);
                eprintln!(
                    "{} of {}{}. {}",
                    minutes(view.clock.elapsed_ms),
                    minutes(view.clock.total_ms),
                    if view.clock.running { "" } else { " (paused)" },
                    phase.map_or("", |phase| phase.title.as_str()),
                );
                if let Some(cost) = view.next_hint_cost {
                    eprintln!("The next hint: {}.", visible(&cost));
                }
            }
            Spoken::Unknown(word) => {
                eprintln!("{} is not a command (/help; a space before the slash makes it text)", visible(word));
            }
            Spoken::Help | Spoken::Answer(_) | Spoken::Finish => eprintln!("{HELP}"),
        }
        Ok(())
    }

    /// The cost first; the hint when it is asked for again.
    fn hint(&mut self, offered: bool) -> anyhow::Result<()> {
        match self.view()?.next_hint_cost {
            Some(cost) if !offered => {
                eprintln!("The next hint: {}. /hint again gives it.", visible(&cost));
                self.offered = true;
            }
            _ => match self.desk.hint(&self.id) {
                Ok(hint) => eprintln!("Hint: {}\n", visible(&hint.text)),
                Err(error) => eprintln!("{error}"),
            },
        }
        Ok(())
    }

    async fn grade(&self) -> anyhow::Result<()> {
        eprintln!("Grading.");
        let mut events = self.desk.grade(&self.id, GradeOptions::default()).map_err(session_exit)?;
        while let Some(event) = events.recv().await {
            match event {
                GradeEvent::Dimension { dimension } => {
                    eprintln!("  {}", visible(dimension["title"].as_str().unwrap_or_default()));
                }
                GradeEvent::Done { scorecard, .. } if self.options.json => {
                    println!("{}", serde_json::to_string_pretty(&scorecard)?);
                }
                GradeEvent::Done { scorecard, .. } => {
                    println!("\n{}", scorecard_text(&serde_json::from_value(scorecard)?));
                }
                GradeEvent::Error { message, .. } => anyhow::bail!("no scorecard: {message}. {}", self.how_to_go_on()),
            }
        }
        Ok(())
    }

    /// What was typed and not sent is there when the session is opened again.
    async fn keep_draft(&mut self) {
        if let Some(text) = self.typing.rest()
            && let Err(error) = self.desk.draft(&self.id, text).await
        {
            eprintln!("the unfinished answer was not kept: {error}");
        }
    }

    fn how_to_go_on(&self) -> String {
        format!("Go on with: offrecord session resume {}", self.id)
    }

    fn view(&self) -> anyhow::Result<SessionView> {
        self.desk.view(&self.id).map_err(session_exit)
    }

    /// The interviewer speaks.
    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        let text = self.lines.piece(text);
        if self.options.json {
            eprint!("{text}");
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }
}
