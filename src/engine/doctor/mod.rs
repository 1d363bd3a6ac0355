//! `lockstep doctor`: looks at everything Lockstep stands on, changes nothing, and says of each
//! thing that is wrong how to mend it.

mod app;
mod services;
mod webhook;

use std::fmt;

use super::Engine;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `config postgres redis github_app permissions events webhook`.
    pub name: &'static str,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Ok(String),
    /// What is wrong, and what to do about it.
    Fail {
        what: String,
        mend: String,
    },
}

impl Verdict {
    pub fn fail(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Verdict::Fail { what: what.into(), mend: mend.into() }
    }
}

impl Finding {
    pub fn new(name: &'static str, verdict: Verdict) -> Self {
        Finding { name, verdict }
    }

    pub fn is_ok(&self) -> bool {
        matches!(self.verdict, Verdict::Ok(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = match &self.verdict {
            Verdict::Ok(text) => format!("ok {} {text}", self.name),
            Verdict::Fail { what, mend } => format!("FAIL {} {what}: {mend}", self.name),
        };
        f.write_str(&line.replace('\n', " "))
    }
}

impl Engine {
    /// Everything but the configuration, which held when there is an engine.
    pub async fn examine(&self) -> Vec<Finding> {
        let postgres = Finding::new("postgres", self.examine_postgres().await);
        let redis = Finding::new("redis", self.examine_redis().await);
        let mut findings = vec![postgres, redis];
        findings.extend(self.examine_app().await);
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let fail = Finding::new("redis", Verdict::fail("it\nevicts", "set noeviction"));
        assert_eq!(fail.to_string(), "FAIL redis it evicts: set noeviction");
        assert_eq!(Finding::new("config", Verdict::Ok("fine".to_owned())).to_string(), "ok config fine");
    }
}
