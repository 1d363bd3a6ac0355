//! From `tracing`'s spans to those of a trace: ids, times, fields, and the events in them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::wire::{Finished, Moment, Value};

/// Events of one span that are kept.
const EVENTS: usize = 64;

/// Gathers spans; see [`super::gather`].
pub struct Gathering {
    out: mpsc::Sender<Finished>,
    lost: Arc<AtomicU64>,
}

impl Gathering {
    pub(super) fn new(out: mpsc::Sender<Finished>, lost: Arc<AtomicU64>) -> Self {
        Gathering { out, lost }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Gathering {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let above = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            extensions.get::<Finished>().map(|above| (above.trace, above.id))
        });
        let (trace, parent) = match above.or_else(|| fields.take("traceparent").and_then(|text| caller(&text))) {
            Some((trace, parent)) => (trace, Some(parent)),
            None => (random(), None),
        };
        span.extensions_mut().insert(Finished {
            trace,
            id: random(),
            parent,
            name: span.name(),
            start: now(),
            end: Duration::ZERO,
            fields: fields.0,
            events: Vec::new(),
            failed: false,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(known) = span.extensions_mut().get_mut::<Finished>() {
            let mut fields = Fields(std::mem::take(&mut known.fields));
            values.record(&mut fields);
            known.fields = fields.0;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        let mut extensions = span.extensions_mut();
        let Some(known) = extensions.get_mut::<Finished>() else { return };
        known.failed |= *event.metadata().level() == Level::ERROR;
        if known.events.len() < EVENTS {
            let mut fields = Fields::default();
            event.record(&mut fields);
            fields.0.push(("level", Value::Text(event.metadata().level().to_string())));
            let name = fields.take("message").unwrap_or_else(|| event.metadata().name().to_owned());
            known.events.push(Moment { at: now(), name, fields: fields.0 });
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(mut done) = span.extensions_mut().remove::<Finished>() else { return };
        done.end = now();
        if self.out.try_send(done).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness every trace would be one; nothing depends on it.
    let _ = getrandom::fill(&mut bytes);
    bytes
}

/// `00-TRACE-PARENT-FLAGS`.
fn caller(text: &str) -> Option<([u8; 16], [u8; 8])> {
    let mut parts = text.split('-');
    let version = parts.next().filter(|version| version.len() == 2 && *version != "ff")?;
    let (mut trace, mut parent) = ([0; 16], [0; 8]);
    hex::decode_to_slice(parts.next()?, &mut trace).ok()?;
    hex::decode_to_slice(parts.next()?, &mut parent).ok()?;
    let flags = parts.next().filter(|flags| flags.len() == 2);
    let whole = flags.is_some() && (version != "00" || parts.next().is_none());
    (whole && trace != [0; 16] && parent != [0; 8]).then_some((trace, parent))
}

/// Fields as they are recorded; one that is recorded again is replaced.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        self.0.retain(|(name, _)| *name != field.name());
        self.0.push((field.name(), value));
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        match self.0.remove(at).1 {
            Value::Text(text) => Some(text),
            Value::Number(_) | Value::Fraction(_) | Value::Truth(_) => None,
        }
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::Number(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::Fraction(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Truth(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, Value::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, Value::Text(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_is_taken_up_only_when_it_is_whole() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let (trace, parent) = caller(good).unwrap_or_default();
        assert_eq!((hex::encode(trace).as_str(), hex::encode(parent).as_str()), (&good[3..35], &good[36..52]));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ] {
            assert_eq!(caller(bad), None, "{bad}");
        }
    }
}
