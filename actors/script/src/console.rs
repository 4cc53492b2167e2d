//! `console.log` and its siblings: what a script says goes into the log of the stream.

use std::sync::{Arc, Mutex, PoisonError};

use rquickjs::function::Rest;
use rquickjs::{Coerced, Ctx, Function, Object, Value};
use weir_domain::{Severity, StageId};
use weir_stream::StreamLog;

/// The code of a line that a script says.
pub(crate) const CODE: u32 = 3170;

/// Where a script's words go: to the log of the stream that it works for now.
#[derive(Clone)]
pub(crate) struct Voice {
    stage: Option<StageId>,
    log: Arc<Mutex<StreamLog>>,
}

impl Voice {
    pub(crate) fn of(stage: StageId, log: StreamLog) -> Self {
        Self { stage: Some(stage), log: Arc::new(Mutex::new(log)) }
    }

    /// Nobody hears it.
    pub(crate) fn mute() -> Self {
        Self { stage: None, log: Arc::default() }
    }

    pub(crate) fn turn_to(&self, log: StreamLog) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = log;
    }

    fn say(&self, severity: Option<Severity>, text: &str) {
        let Some(stage) = &self.stage else { return };
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        log.say_as(stage, severity, CODE, text);
    }
}

/// The object `console`.
pub(crate) fn console<'js>(ctx: &Ctx<'js>, voice: &Voice) -> rquickjs::Result<Object<'js>> {
    let console = Object::new(ctx.clone())?;
    let levels = [
        ("log", None),
        ("info", None),
        ("debug", None),
        ("warn", Some(Severity::Warning)),
        ("error", Some(Severity::Error)),
    ];
    for (name, severity) in levels {
        let voice = voice.clone();
        let say = move |ctx: Ctx<'js>, parts: Rest<Value<'js>>| -> rquickjs::Result<()> {
            let mut text = Vec::with_capacity(parts.len());
            for part in parts.iter() {
                text.push(written(&ctx, part)?);
            }
            voice.say(severity, &text.join(" "));
            Ok(())
        };
        console.set(name, Function::new(ctx.clone(), say)?)?;
    }
    Ok(console)
}

/// A value as its log line has it: objects as JSON, all else as its text.
fn written<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> rquickjs::Result<String> {
    let is_plain = value.is_object() && !value.is_error() && !value.is_function();
    if is_plain {
        if let Ok(Some(json)) = ctx.json_stringify(value.clone()) {
            return json.to_string();
        }
        // It holds itself, or a bigint.
        ctx.catch();
    }
    if value.is_symbol() {
        return Ok("a symbol".into());
    }
    Ok(value.get::<Coerced<String>>()?.0)
}
