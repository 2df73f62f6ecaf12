//! What went wrong, told to a person: what, why, which request, and what to do.

use std::fmt;
use std::path::Path;

use kernel::Fault;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// An error of the command line. Printed as it is.
#[derive(Debug, Default)]
pub struct Problem(Box<Told>);

#[derive(Debug, Default)]
struct Told {
    message: String,
    reason: Option<String>,
    /// Field and description.
    violations: Vec<(String, String)>,
    request_id: Option<String>,
    help: Option<String>,
    status: Option<u8>,
}

impl Problem {
    pub fn new(message: impl fmt::Display) -> Self {
        Self(Box::new(Told { message: message.to_string(), ..Told::default() }))
    }

    /// About a file.
    pub fn file(path: &Path, error: impl fmt::Display) -> Self {
        Self::new(format_args!("{}: {error}", path.display()))
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// With this exit status of the process.
    #[must_use]
    pub fn with_status(mut self, status: u8) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The exit status of the process: 1 unless something else was said.
    pub fn status(&self) -> u8 {
        self.0.status.unwrap_or(1)
    }

    /// Whether a service gave this reason.
    pub fn is(&self, reason: &kernel::Reason) -> bool {
        self.0.reason.as_deref() == Some(reason.code)
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone());
        let header = status.metadata().get("x-request-id").and_then(|id| id.to_str().ok());
        let request_id = details.request_info().map(|info| info.request_id.as_str()).or(header);
        let violations = details.bad_request().map(|bad| &bad.field_violations[..]);
        let known = reason.as_deref().and_then(find);
        Self(Box::new(Told {
            message: message(&status),
            help: known
                .map(|reason| reason.help.to_owned())
                .or_else(|| details.localized_message().map(|text| text.message.clone())),
            violations: violations
                .unwrap_or_default()
                .iter()
                .map(|violation| (violation.field.clone(), violation.description.clone()))
                .collect(),
            request_id: request_id.map(str::to_owned),
            reason,
            status: None,
        }))
    }
}

/// tonic's own words for a lost connection or a late answer help nobody.
fn message(status: &Status) -> String {
    let ours = !status.details().is_empty();
    match status.code() {
        _ if ours => status.message().to_owned(),
        Code::Cancelled | Code::DeadlineExceeded => {
            "The call took longer than its deadline.".to_owned()
        }
        Code::Unavailable => format!("The mesh cannot be reached: {}.", status.message()),
        code if status.message().is_empty() => format!("The call failed: {code}."),
        _ => status.message().to_owned(),
    }
}

/// A reason of the services or of what stands before and below them.
fn find(code: &str) -> Option<&'static kernel::Reason> {
    crate::errors::chapters()
        .into_iter()
        .flat_map(|(_, reasons)| reasons)
        .copied()
        .find(|reason| reason.code == code)
}

/// A fault of this very process: the person here is its operator, who may read
/// the cause.
impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let cause = std::error::Error::source(&fault).map(ToString::to_string);
        let known = fault.reason();
        let private = cause.or_else(|| fault.note().map(str::to_owned));
        let violations = fault.violations().iter();
        Self(Box::new(Told {
            message: private.unwrap_or_else(|| known.message.to_owned()),
            violations: violations.map(|v| (v.field.clone(), v.description.clone())).collect(),
            ..Told::default()
        }))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { message, reason, violations, request_id, help, .. } = &*self.0;
        write!(f, "signet: {message}")?;
        for (field, description) in violations {
            write!(f, "\n  field      {field}: {description}")?;
        }
        if let Some(reason) = reason {
            write!(f, "\n  reason     {reason}")?;
        }
        if let Some(id) = request_id {
            write!(f, "\n  request    {id}")?;
        }
        if let Some(help) = help {
            write!(f, "\n  what to do {help}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_refusal_says_everything_that_helps() {
        let mut details = ErrorDetails::new();
        details.set_error_info("INVALID_FIELD", "signet.dev", HashMap::new());
        details.add_bad_request_violation("recipients", "must be 1 to 8");
        details.set_request_info("req-7", "");
        let status = Status::with_error_details(Code::InvalidArgument, "Invalid field.", details);
        let problem = Problem::from(status);
        assert!(problem.is(&kernel::common::INVALID_FIELD));
        assert_eq!(
            problem.to_string(),
            "signet: Invalid field.\n  field      recipients: must be 1 to 8\n  reason     \
             INVALID_FIELD\n  request    req-7\n  what to do Correct the fields listed in the \
             field violations."
        );
    }

    #[test]
    fn the_transport_is_told_apart() {
        let late = Problem::from(Status::cancelled("Timeout expired")).to_string();
        assert_eq!(late, "signet: The call took longer than its deadline.");
        let gone = Problem::from(Status::unavailable("connection refused")).to_string();
        assert!(gone.contains("cannot be reached: connection refused"));
    }

    #[test]
    fn the_edges_request_id_is_taken_from_the_header() {
        let mut status = Status::permission_denied("No.");
        status.metadata_mut().insert("x-request-id", "req-8".parse().unwrap());
        assert!(Problem::from(status).to_string().contains("request    req-8"));
    }

    #[test]
    fn a_fault_of_this_process_shows_its_cause() {
        let problem = Problem::from(Fault::internal("the disk is full"));
        assert_eq!(problem.to_string(), "signet: the disk is full");
    }
}
