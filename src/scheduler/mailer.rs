//! Sends what waits in the outbox of mails, over SMTP, while this process leads.
//!
//! Mails have a loop of their own: a mail server that takes its time delays no sweep. One mail goes out at a time, and
//! each is noted before the next, so that a restart repeats one at most, with the same `Message-ID`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cron::Schedule;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::next_time;
use crate::domain::mail::line;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::mails::{ReadyMail, Sending, Watch};
use crate::store::StoreError;

/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Mails of one look.
const MAILS_MAX: u32 = 50;
/// After this a mail server that does not answer is left alone for a while.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
const AWAY_PAUSE: Duration = Duration::from_secs(30);

/// Sends mails.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    digest: Schedule,
}

/// Why there is no mailer.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The URL names no server.
    #[error("notifications.smtp_url: must be like smtps://USER:PASSWORD@HOST or smtp://HOST:25")]
    Url,
    /// It would show the password to whoever listens.
    #[error(
        "notifications.smtp_url: a password goes over TLS only: use smtps://, or smtp://…?tls=required for STARTTLS"
    )]
    PlainPassword,
    /// Nobody sends.
    #[error("notifications.from: must be an address, such as \"Angarium <hooks@example.com>\"")]
    From,
}

impl Mailer {
    /// Gets ready; nothing is connected yet.
    pub fn new(smtp_url: &str, from: &str, digest: Schedule) -> Result<Self, MailerError> {
        let url = url::Url::parse(smtp_url).map_err(|_| MailerError::Url)?;
        let is_encrypted = url.scheme() == "smtps" || url.query_pairs().any(|(k, v)| k == "tls" && v == "required");
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.password().is_some() && !is_encrypted && !is_here {
            return Err(MailerError::PlainPassword);
        }
        let from: Mailbox = from.parse().map_err(|_| MailerError::From)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url).map_err(|_| MailerError::Url)?;
        Ok(Self { transport: builder.timeout(Some(SEND_TIMEOUT)).build(), from, digest })
    }

    fn message(&self, mail: &ReadyMail, now: Timestamp) -> Option<Message> {
        let address: Address = mail.email.parse().ok()?;
        let domain = self.from.email.domain();
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(line(&mail.name)), address))
            .subject(line_of_subject(&mail.text.subject))
            .date(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(format!("<{}@{domain}>", mail.message_id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.body.clone());
        message.ok()
    }

    async fn send(&self, mail: &ReadyMail, now: Timestamp) -> (Sending, Option<lettre::transport::smtp::Error>) {
        let Some(message) = self.message(mail, now) else { return (Sending::Refused, None) };
        match self.transport.send(message).await {
            Ok(_) => (Sending::Sent, None),
            Err(error) if is_about_the_mail(&error) => (Sending::Refused, Some(error)),
            Err(error) => (Sending::Failed, Some(error)),
        }
    }
}

/// Subjects are one line already; a second look costs nothing.
fn line_of_subject(subject: &str) -> String {
    subject.chars().filter(|c| !c.is_control()).collect()
}

/// Whether the server will never take this mail. Everything else, such as that it does not know us, somebody can mend.
fn is_about_the_mail(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| matches!(code.as_str(), "550" | "551" | "552" | "553"))
}

/// Keeps programs that answer by themselves from answering.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Sends while `leads` says so, until `shutdown`.
pub(super) async fn run(
    engine: Arc<Engine>,
    mailer: Mailer,
    leads: watch::Receiver<bool>,
    shutdown: CancellationToken,
) {
    let mut state = State { digest_at: None, quiet_until: Timestamp::default(), watch: Watch::default() };
    while tokio::time::timeout(LOOK_EVERY, shutdown.cancelled()).await.is_err() {
        if !*leads.borrow() {
            state = State { digest_at: None, quiet_until: Timestamp::default(), watch: Watch::default() };
            continue;
        }
        if let Err(error) = look(&engine, &mailer, &mut state, &shutdown).await {
            tracing::warn!("mails wait for the database: {error}");
        }
    }
}

struct State {
    digest_at: Option<Timestamp>,
    quiet_until: Timestamp,
    watch: Watch,
}

async fn look(
    engine: &Engine,
    mailer: &Mailer,
    state: &mut State,
    shutdown: &CancellationToken,
) -> Result<(), StoreError> {
    let now = engine.clock().now();
    engine.watch_deployment(&mut state.watch).await?;
    match state.digest_at {
        None => {
            engine.begin_digest().await?;
            state.digest_at = Some(next_time(&mailer.digest, now));
        }
        Some(at) if at <= now => {
            engine.mail_digest().await?;
            state.digest_at = Some(next_time(&mailer.digest, now));
        }
        Some(_) => {}
    }
    if state.quiet_until <= now {
        state.quiet_until = send_due(engine, mailer, shutdown).await?;
    }
    engine.measure_mails().await
}

/// Sends what is due; says until when to leave the server alone.
async fn send_due(engine: &Engine, mailer: &Mailer, shutdown: &CancellationToken) -> Result<Timestamp, StoreError> {
    for due in engine.due_mails(MAILS_MAX).await? {
        if shutdown.is_cancelled() {
            break;
        }
        let Some(mail) = engine.take_mail(&due).await? else { continue };
        let now = engine.clock().now();
        let (sending, error) = mailer.send(&mail, now).await;
        engine.settle_mail(&mail, sending).await?;
        if let Some(error) = error {
            // What a server says may name the recipient: the log says only what kind of trouble it was.
            let code = error.status().map_or_else(|| "no answer".to_owned(), |code| code.to_string());
            tracing::warn!("a mail about {} was not sent: {code}", due.kind);
            if !error.is_transient() && !error.is_permanent() {
                return Ok(now.after(AWAY_PAUSE));
            }
        }
    }
    Ok(Timestamp::default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::UserId;
    use crate::domain::mail::MailText;
    use crate::store::mails::MailId;

    fn mailer(url: &str, from: &str) -> Result<Mailer, MailerError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Mailer::new(url, from, "0 0 7 * * *".parse().unwrap())
    }

    #[tokio::test]
    async fn a_configuration_that_cannot_work_says_so() {
        let from = "Angarium <hooks@example.com>";
        assert!(mailer("smtps://user:password@mail.example.com", from).is_ok());
        assert!(mailer("smtp://user:password@mail.example.com:587?tls=required", from).is_ok());
        assert!(mailer("smtp://mail.example.com", "hooks@example.com").is_ok());
        assert!(matches!(mailer("smtp://user:password@mail.example.com", from), Err(MailerError::PlainPassword)));
        assert!(matches!(mailer("http://mail.example.com", from), Err(MailerError::Url)));
        assert!(matches!(mailer("mail.example.com", from), Err(MailerError::Url)));
        for bad in ["", "nobody", "a@example.com, b@example.com", "a@example.com\r\nBcc: b@example.com"] {
            assert!(matches!(mailer("smtp://localhost", bad), Err(MailerError::From)), "{bad}");
        }
    }

    fn sample(email: &str, name: &str, subject: &str) -> ReadyMail {
        ReadyMail {
            id: MailId { notice: uuid::Uuid::nil(), user: UserId(uuid::Uuid::nil()) },
            message_id: "1.2".to_owned(),
            email: email.to_owned(),
            name: name.to_owned(),
            text: MailText { subject: subject.to_owned(), body: "a\n".to_owned() },
            attempts: 0,
        }
    }

    #[tokio::test]
    async fn no_name_makes_a_header() {
        let mailer = mailer("smtp://localhost", "Angarium <hooks@example.com>").unwrap();
        let mail = sample("ada@example.com", "Ada\r\nBcc: eve@example.com", "hi\r\nBcc: eve@example.com");
        let message = mailer.message(&mail, Timestamp::from_millis(0)).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        assert_eq!(message.envelope().to().len(), 1);
    }
}
