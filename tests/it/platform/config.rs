//! Every variable of the contract: its default, what is refused, and how that is said.

use std::collections::HashMap;

use lockstep::config::{Config, ConfigError, Flags, VARS, load_log, unknown};

use crate::world::process::run;

const PEM: &str = include_str!("../../sim/src/keys/app.pem");

fn env(extra: &[(&str, &str)]) -> HashMap<String, String> {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    let least = [("DATABASE_URL", "postgres://u:p@h/d"), ("REDIS_URL", "redis://h"), ("ENCRYPTION_KEYS", key)];
    let all = least.iter().chain(extra).map(|(name, value)| (format!("LOCKSTEP_{name}"), (*value).to_owned()));
    all.collect()
}

fn load(extra: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(&Flags::none(), &env(extra))
}

fn app(change: (&'static str, &'static str)) -> Vec<(&'static str, &'static str)> {
    let mut app = vec![
        ("GITHUB_APP_ID", "7"),
        ("GITHUB_APP_SLUG", "lockstep"),
        ("GITHUB_APP_PRIVATE_KEY", PEM),
        ("GITHUB_CLIENT_ID", "Iv1.a"),
        ("GITHUB_CLIENT_SECRET", "cs"),
        ("GITHUB_WEBHOOK_SECRET", "ws"),
    ];
    app.retain(|(name, _)| *name != change.0);
    app.push(change);
    app
}

#[test]
fn defaults_are_the_contracts() {
    let config = load(&[]).unwrap();
    assert_eq!(config.redis.prefix, "lockstep");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.internal_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.http.public_url, None);
    assert_eq!(config.github.api_url, "https://api.github.com");
    assert_eq!(config.github.graphql_url, "https://api.github.com/graphql");
    assert_eq!(config.github.web_url, "https://github.com");
    assert!(config.github.app.is_none() && config.notify.is_none());
    assert!(config.api_keys.is_empty() && config.http.panel_origins.is_empty());
    assert_eq!(config.work.workers, std::thread::available_parallelism().unwrap().get() * 16);
    let seconds = |time: std::time::Duration| time.as_secs();
    assert_eq!((seconds(config.work.retry), seconds(config.work.sweep)), (2, 30));
    assert_eq!((config.work.redelivery.map(seconds), config.work.drift.map(seconds)), (Some(300), Some(900)));
}

#[test]
fn missing_or_wrong_is_named() {
    let wrong: &[(&str, &str)] = &[
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "postgres://h/d?sslmode=never"),
        ("REDIS_URL", ""),
        ("REDIS_URL", "http://h"),
        ("REDIS_PREFIX", "a b"),
        ("LISTEN", "nowhere"),
        ("LISTEN", "127.0.0.1"),
        ("INTERNAL_LISTEN", "127.0.0.1:99999"),
        ("INTERNAL_LISTEN", "127.0.0.1:8080"),
        ("PUBLIC_URL", "ftp://h"),
        ("PUBLIC_URL", "https://h/?a=b"),
        ("GITHUB_API_URL", "api.github.com"),
        ("GITHUB_WEB_URL", "github"),
        ("API_KEYS", "short"),
        ("API_KEYS", "0123456789012345678901234567890123456789,short"),
        ("ENCRYPTION_KEYS", ""),
        ("ENCRYPTION_KEYS", ","),
        ("ENCRYPTION_KEYS", "AQEB"),
        ("ENCRYPTION_KEYS", "!!!!"),
        ("PANEL_ORIGINS", "https://a.example/path"),
        ("PANEL_ORIGINS", "https://a.example,*"),
        ("PANEL_ORIGINS", "a.example"),
        ("NOTIFY_URL", "nope"),
        ("NOTIFY_SECRET", "abc"),
        ("NOTIFY_SECRET", "whsec_"),
        ("NOTIFY_SECRET", "whsec_!!"),
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("WORKERS", "-1"),
        ("RETRY_SECONDS", "0"),
        ("RETRY_SECONDS", "NaN"),
        ("RETRY_SECONDS", "soon"),
        ("SWEEP_SECONDS", "0"),
        ("SWEEP_SECONDS", "1.5"),
        ("REDELIVERY_SECONDS", "-1"),
        ("DRIFT_SECONDS", "x"),
        ("GITHUB_APP_ID", "abc"),
        ("GITHUB_APP_SLUG", "a/b"),
        ("GITHUB_APP_PRIVATE_KEY", "-----BEGIN NONSENSE-----"),
    ];
    for (name, value) in wrong {
        let extra = if name.starts_with("GITHUB_APP") { app((name, value)) } else { vec![(*name, *value)] };
        let error = load(&extra).unwrap_err();
        assert_eq!(error.variable, format!("LOCKSTEP_{name}"), "{value}");
        assert!(!error.to_string().contains('\n'));
        let secret = VARS.iter().any(|var| var.name == *name && var.secret);
        assert!(!secret || value.len() < 8 || !error.to_string().contains(value), "{error} repeats the value");
    }
}

#[test]
fn log_variables_are_checked() {
    let load = |name: &str, value: &str| load_log(&Flags::<lockstep::config::All>::none(), &env(&[(name, value)]));
    assert_eq!(load("LOG", "info,=").unwrap_err().variable, "LOCKSTEP_LOG");
    assert_eq!(load("LOG_FORMAT", "xml").unwrap_err().variable, "LOCKSTEP_LOG_FORMAT");
    assert!(load("LOG", "lockstep=debug,warn").is_ok());
}

#[test]
fn the_app_is_given_whole_or_not_at_all() {
    assert_eq!(load(&app(("GITHUB_APP_ID", "7"))).unwrap().github.app.unwrap().app_id, 7);
    for name in
        ["GITHUB_APP_ID", "GITHUB_APP_SLUG", "GITHUB_APP_PRIVATE_KEY", "GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"]
    {
        assert!(load(&app((name, ""))).unwrap_err().to_string().contains(&format!("LOCKSTEP_{name}")), "{name}");
    }
    let error = load(&[("GITHUB_APP_ID", "7")]).unwrap_err().to_string();
    assert!(error.contains("LOCKSTEP_GITHUB_WEBHOOK_SECRET") && error.contains("LOCKSTEP_GITHUB_CLIENT_ID"), "{error}");
    assert!(!error.contains("LOCKSTEP_GITHUB_APP_ID"), "{error}");
}

#[test]
fn a_key_with_escaped_line_ends_is_understood() {
    let escaped: &'static str = Box::leak(PEM.trim().replace('\n', "\\n").into_boxed_str());
    assert!(load(&app(("GITHUB_APP_PRIVATE_KEY", escaped))).is_ok());
}

#[test]
fn notifications_need_both() {
    let error = load(&[("NOTIFY_URL", "http://127.0.0.1:9/hook?x=1")]).unwrap_err();
    assert_eq!(error.variable, "LOCKSTEP_NOTIFY_SECRET");
    let both = load(&[("NOTIFY_URL", "http://127.0.0.1:9/hook?x=1"), ("NOTIFY_SECRET", "whsec_c2VjcmV0")]).unwrap();
    assert_eq!(both.notify.unwrap().secret.as_slice(), b"secret");
}

#[test]
fn values_are_understood() {
    let config = load(&[
        ("PUBLIC_URL", "https://sync.example.com/"),
        ("PANEL_ORIGINS", " https://App.example.com , http://localhost:3000"),
        ("GITHUB_API_URL", "https://ghe.example.com/api/v3"),
        ("API_KEYS", "a0123456789012345678901234567890123, b0123456789012345678901234567890123"),
        ("RETRY_SECONDS", "0.05"),
        ("REDELIVERY_SECONDS", "0"),
        ("DRIFT_SECONDS", "0"),
        ("WORKERS", "3"),
        ("LISTEN", "localhost:0"),
    ])
    .unwrap();
    assert_eq!(config.http.public_url.as_deref(), Some("https://sync.example.com"));
    assert_eq!(config.http.panel_origins, ["https://app.example.com", "http://localhost:3000"]);
    assert_eq!(config.github.graphql_url, "https://ghe.example.com/api/graphql");
    assert_eq!(config.api_keys.len(), 2);
    assert_eq!(config.work.retry.as_millis(), 50);
    assert_eq!((config.work.redelivery, config.work.drift, config.work.workers), (None, None, 3));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:0");
}

#[test]
fn secrets_may_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, "k0123456789012345678901234567890123\n").unwrap();
    let path = path.to_str().unwrap();
    let config = load(&[("API_KEYS_FILE", path)]).unwrap();
    assert_eq!(config.api_keys[0].expose(), "k0123456789012345678901234567890123");
    let both = load(&[("API_KEYS_FILE", path), ("API_KEYS", "k0123456789012345678901234567890123")]).unwrap_err();
    assert_eq!(both.variable, "LOCKSTEP_API_KEYS");
    let absent = load(&[("API_KEYS_FILE", "/nowhere/at/all")]).unwrap_err();
    assert_eq!(absent.variable, "LOCKSTEP_API_KEYS_FILE");
    assert!(load(&[("API_KEYS_FILE", ""), ("API_KEYS", "")]).unwrap().api_keys.is_empty());
    for name in VARS.iter().filter(|var| var.secret).map(|var| var.name) {
        let file = format!("{name}_FILE");
        let error = load(&[(name, ""), (&file, "/nowhere/at/all")]).unwrap_err();
        assert!(error.to_string().contains(&file), "{name}: {error}");
    }
}

#[test]
fn the_program_says_it_in_one_line_and_ends_with_2() {
    for (change, named) in [
        (("DATABASE_URL", ""), "LOCKSTEP_DATABASE_URL"),
        (("WORKERS", "0"), "LOCKSTEP_WORKERS"),
        (("LOG", "info,="), "LOCKSTEP_LOG"),
        (("GITHUB_APP_ID", "7"), "LOCKSTEP_GITHUB_APP_SLUG"),
    ] {
        let output = run(&["serve"], &env(&[change]));
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        assert!(text.contains(named), "{text}");
    }
}

#[test]
fn a_flag_goes_before_its_variable() {
    let output = run(&["serve", "--workers", "0"], &env(&[("WORKERS", "5")]));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("LOCKSTEP_WORKERS"));
}

#[test]
fn help_lists_every_variable_and_no_value() {
    let secret = "hunter2hunter2hunter2hunter2hunter2";
    let output = run(&["serve", "--help"], &env(&[("API_KEYS", secret), ("NOTIFY_SECRET", secret)]));
    let text = String::from_utf8(output.stdout).unwrap();
    for var in VARS {
        assert!(text.contains(&format!("[env: LOCKSTEP_{}]", var.name)), "{}", var.name);
        assert!(var.default.is_empty() || text.contains(&format!("[default: {}]", var.default)), "{}", var.name);
        assert_eq!(text.contains(&format!("LOCKSTEP_{}_FILE]", var.name)), var.secret, "{}", var.name);
    }
    assert!(!text.contains(secret));
}

#[test]
fn a_name_that_is_no_variables_is_noticed() {
    let env = env(&[("SWEEP_SECOND", "3"), ("API_KEYS_FILE", "/keys"), ("LISTEN_FILE", "/x"), ("TEST_CASES", "3")]);
    assert_eq!(unknown(&env), ["LOCKSTEP_LISTEN_FILE", "LOCKSTEP_SWEEP_SECOND"]);
}
