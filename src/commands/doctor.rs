//! `lockstep doctor`.

use crate::app;
use crate::config::{Config, ConfigError};
use crate::engine::doctor::{Finding, Verdict};

/// The lines to print, and whether all is well.
pub async fn doctor(config: Result<Config, ConfigError>) -> anyhow::Result<(String, bool)> {
    let findings = match config {
        Err(error) => {
            let mend = "correct it; `lockstep serve --help` lists all variables";
            vec![Finding::new("config", Verdict::fail(error.to_string(), mend))]
        }
        Ok(config) => {
            let engine = app::engine(&config, config.http.listen)?;
            let fine = Verdict::Ok(format!("public URL {}", engine.settings.public_url));
            let mut findings = vec![Finding::new("config", fine)];
            findings.extend(engine.examine().await);
            findings
        }
    };
    let well = findings.iter().all(Finding::is_ok);
    Ok((findings.iter().map(|finding| format!("{finding}\n")).collect(), well))
}
