//! Posts a flare to the Agent, which passes it on to Datadog's support.

use super::task::FlareTask;
use crate::event::FlareFault;
use crate::export::transport::agent::{Agent, Headers};
use crate::redact;
use serde_json::Value;

/// The Agent's path for flares.
pub const PATH: &str = "/tracer_flare/v1";
/// Separates the parts of the form: the text that other tracers use, which occurs in no archive.
const BOUNDARY: &str = "83CAD6AA-8A24-462C-8B3D-FF9CC683B51B";
/// The longest error text of the Agent that is logged, in characters.
const ERROR_MAX: usize = 300;
/// The longest value of a field, in characters.
const FIELD_MAX: usize = 500;

/// The form that carries a flare.
pub struct Form<'a> {
    /// What the flare is for.
    pub task: &'a FlareTask,
    /// The name of the tracer's language, such as `python`.
    pub language: &'a str,
    /// The archive's name.
    pub file: &'a str,
    /// The archive.
    pub archive: &'a [u8],
}

/// Sends the form. Every failure has a reason.
pub fn send(agent: &Agent, form: &Form<'_>) -> Result<(), FlareFault> {
    let mut headers = Headers::default();
    headers.add("Content-Type", &format!("multipart/form-data; boundary={BOUNDARY}"));
    headers.add("Connection", "close");
    let answer =
        agent.post(PATH, &headers, &form.body()).map_err(|failure| FlareFault::NotReached(failure.error().clone()))?;
    match answer.status {
        200..=299 if answer.is_taken() => Ok(()),
        status => Err(FlareFault::Answered { status, error: error_in(&answer.body) }),
    }
}

impl Form<'_> {
    fn body(&self) -> Vec<u8> {
        let source = format!("tracer_{}", self.language);
        let task = self.task;
        let fields = [
            ("source", source.as_str()),
            ("case_id", &task.case_id),
            ("hostname", &task.hostname),
            ("email", &task.user_handle),
            ("uuid", &task.uuid),
        ];
        let mut body = Vec::with_capacity(self.archive.len() + 2048);
        for (name, value) in fields.iter().filter(|(name, value)| *name != "uuid" || !value.is_empty()) {
            let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend(head.as_bytes());
            body.extend(in_one_line(value).as_bytes());
            body.extend(b"\r\n");
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"flare_file\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            self.file
        );
        body.extend(head.as_bytes());
        body.extend(self.archive);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        body
    }
}

/// Returns the value of a field without what could end the field.
fn in_one_line(value: &str) -> String {
    value.replace(BOUNDARY, "").chars().filter(|c| !c.is_control()).take(FIELD_MAX).collect()
}

/// Returns the error that an answer names: `error` of a JSON object, else the text itself.
fn error_in(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let named = json.as_ref().and_then(|json| json.get("error")).and_then(Value::as_str);
    let text: String = named.unwrap_or(body).chars().filter(|c| !c.is_control()).take(ERROR_MAX).collect();
    redact::text(text.trim()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_has_every_field_and_no_value_ends_it() {
        let task = FlareTask {
            case_id: "123".into(),
            hostname: format!("host\r\n--{BOUNDARY}\r\nContent-Disposition: evil"),
            user_handle: "user@example.com".into(),
            uuid: String::new(),
        };
        let form = Form { task: &task, language: "php", file: "tracer-php-123-1-info.zip", archive: b"PK\x03\x04\r\n" };
        let body = form.body();
        let text = String::from_utf8_lossy(&body);
        assert_eq!(text.matches(BOUNDARY).count(), 6, "four fields, a file and the end: {text}");
        assert!(text.contains("name=\"source\"\r\n\r\ntracer_php\r\n"), "{text}");
        assert!(text.contains("name=\"hostname\"\r\n\r\nhost--Content-Disposition: evil\r\n"), "{text}");
        assert!(!text.contains("uuid"), "{text}");
        let end = format!("octet-stream\r\n\r\nPK\x03\x04\r\n\r\n--{BOUNDARY}--\r\n");
        assert!(text.ends_with(&end), "{text}");
    }

    #[test]
    fn the_error_of_an_answer_is_its_json_s_or_the_text_itself() {
        assert_eq!(error_in("{\"error\":\"no such case\"}"), "no such case");
        assert_eq!(error_in("Bad Request\n"), "Bad Request");
        assert_eq!(error_in("{\"error\":7}"), "{\"error\":7}");
        assert!(!error_in("{\"error\":\"DD-API-KEY=0123456789abcdef0123456789abcdef\"}").contains("0123456789"));
        assert_eq!(error_in(&"x".repeat(1000)).len(), ERROR_MAX);
    }
}
