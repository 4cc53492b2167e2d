//! One interpreter with one script: its hooks, called one after the other, each within its limits.
//!
//! What always holds:
//! - E1: nothing that a script does ends the process: it throws, or one of its limits ends it.
//! - E2: an engine that a limit ended is not used again, as nobody knows how far its script came.
//! - E3: a record whose `onMessage` threw left nothing: what it emitted before is taken back.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use rquickjs::function::{Args, IntoArgs};
use rquickjs::{Class, Context, Ctx, Function, JsLifetime, Module, Object, Runtime, Value};
use serde_json::json;
use weir_domain::did_you_mean;
use weir_stream::StreamContext;

use crate::console::{Voice, console};
use crate::program::Program;
use crate::row::{Row, RowClass, Scene, copy, emit, emit_returned};
use crate::shape::Shape;
use crate::thrown::{Failure, Thrown, failure};
use crate::to_js::Builtins;
use crate::watch::{Stop, Watch};
use crate::work::Shared;

/// How deep calls may go: a thread that may block has several times as much.
const STACK_BYTES_MAX: usize = 512 << 10;

/// What a script may export.
pub(crate) const HOOKS: [&str; 6] =
    ["onInit", "onStreamStart", "onMessage", "onStreamEnd", "onCommit", "onRollback"];

/// The name of the object that a script keeps its state in.
const STATE: &str = "state";

pub(crate) struct Engine {
    program: Arc<Program>,
    pub(crate) work: Shared,
    pub(crate) voice: Voice,
    watch: Arc<Watch>,
    /// What `state` was when the stream began.
    saved: Option<String>,
    /// Exports that are called like hooks and are none.
    pub(crate) strange: Vec<String>,
    is_broken: bool,
    context: Context,
    /// Dropped last.
    _runtime: Runtime,
}

/// The hooks that a script exports, in the order of `HOOKS`.
#[derive(JsLifetime)]
struct Hooks<'js> {
    exported: Vec<Option<Function<'js>>>,
}

impl Engine {
    /// Compiles the script and runs what stands outside of its functions.
    pub(crate) fn load(program: &Arc<Program>, voice: Voice) -> Result<Self, Failure> {
        let no_memory = |_| Failure::MemoryLimit;
        let runtime = Runtime::new().map_err(no_memory)?;
        runtime.set_memory_limit(program.bytes_max());
        runtime.set_max_stack_size(STACK_BYTES_MAX);
        let watch = Watch::new(program.time_max());
        runtime.set_interrupt_handler(Some(watch.questions()));
        let context = Context::full(&runtime).map_err(no_memory)?;
        let work = Shared::default();
        work.lock().bytes_max = program.bytes_max();
        let mut engine = Self {
            program: Arc::clone(program),
            work,
            voice,
            watch,
            saved: None,
            strange: Vec::new(),
            is_broken: false,
            context,
            _runtime: runtime,
        };
        let voice = engine.voice.clone();
        let (program, work) = (Arc::clone(program), engine.work.clone());
        engine.run(|ctx, _| prepare(ctx, &voice, &work))?;
        let exported = engine.run(|ctx, watch| evaluate(ctx, watch, &program))?;
        let unfit = |message: String| {
            Failure::Thrown(Thrown { message, at: None, file: program.file.clone() })
        };
        if let Some(name) = exported.no_functions.first() {
            return Err(unfit(format!("{name} is exported and no function")));
        }
        if !exported.has("onMessage") {
            return Err(unfit(no_on_message(&exported.names)));
        }
        let is_strange = |it: &String| it.starts_with("on") && !HOOKS.contains(&it.as_str());
        engine.strange = exported.names.into_iter().filter(is_strange).collect();
        Ok(engine)
    }

    /// Calls `onInit`.
    pub(crate) fn init(&mut self) -> Result<(), Failure> {
        let arguments = self.program.arguments.to_string();
        self.run(|ctx, watch| {
            let arguments = ctx.json_parse(arguments)?;
            call(ctx, watch, "onInit", (arguments,))
        })
    }

    /// Begins a stream, with the schema of its records. An error names what failed.
    pub(crate) fn start(
        &mut self,
        shape: &Arc<Shape>,
        stream: &StreamContext,
        stop: Stop,
    ) -> Result<(), (&'static str, Failure)> {
        self.watch.obey(stop);
        self.saved = None;
        self.work.lock().bind(Arc::clone(shape));
        let saved = self.run(|ctx, _| {
            set_class(ctx, shape)?;
            let state: Value<'_> = ctx.globals().get(STATE)?;
            ctx.json_stringify(state)?.map(|it| it.to_string()).transpose()
        });
        self.saved = saved.map_err(|it| (STATE, it))?;
        let about = json!({
            "workflow": stream.workflow,
            "item": stream.item,
            "stream": stream.stream,
            "openedAt": stream.opened_at.0,
        });
        let started = self.run(|ctx, watch| {
            let about = ctx.json_parse(about.to_string())?;
            call(ctx, watch, "onStreamStart", (about,))
        });
        started.map_err(|it| ("onStreamStart", it))
    }

    /// Calls `onMessage` for each row of the batch at hand. Returns how many of them left nothing. A
    /// row that threw is told to `refuse`; an error names the row at which a limit was met.
    pub(crate) fn messages(
        &mut self,
        rows: usize,
        mut refuse: impl FnMut(usize, &Thrown),
    ) -> Result<usize, (usize, Failure)> {
        let Self { program, work, watch, .. } = self;
        let result = within(&self.context, |ctx| {
            let fail = |error| failure(ctx, error, program, watch, work);
            let unready = || (0, fail(rquickjs::Error::Unknown));
            let hook = hook(ctx, "onMessage").ok_or_else(unready)?;
            let class = ctx.userdata::<RowClass<'_>>().ok_or_else(unready)?;
            let mut dropped = 0;
            for row in 0..rows {
                watch.turn();
                let turn = work.lock().begin(row);
                match message(ctx, watch, &hook, class.row(turn)) {
                    Ok(()) => dropped += usize::from(!work.lock().end()),
                    Err(error) => {
                        work.lock().undo();
                        match fail(error) {
                            Failure::Thrown(thrown) => refuse(row, &thrown),
                            other => return Err((row, other)),
                        }
                    }
                }
                if row % 256 == 255 && watch.is_told_to_stop() {
                    return Err((row, Failure::Stopped));
                }
            }
            Ok(dropped)
        });
        let is_memory = matches!(&result, Err((_, Failure::MemoryLimit)));
        self.is_broken |= is_memory || self.watch.is_over();
        result
    }

    /// Calls `onStreamEnd`.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        let ended = self.run(|ctx, watch| call(ctx, watch, "onStreamEnd", ()));
        let mut work = self.work.lock();
        match &ended {
            Ok(()) => _ = work.end(),
            Err(_) => work.undo(),
        }
        ended
    }

    /// The stream is committed: its state stays.
    pub(crate) fn committed(&mut self) -> Result<(), Failure> {
        self.watch.obey(Box::new(|| false));
        self.saved = None;
        self.run(|ctx, watch| call(ctx, watch, "onCommit", ()))
    }

    /// The stream is undone, and so is what it did to the state.
    pub(crate) fn rolled_back(&mut self) -> Result<(), Failure> {
        self.watch.obey(Box::new(|| false));
        let saved = self.saved.take();
        self.run(|ctx, watch| {
            if let Some(saved) = saved {
                ctx.globals().set(STATE, ctx.json_parse(saved)?)?;
            }
            call(ctx, watch, "onRollback", ())
        })
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// One turn of the script.
    fn run<T>(
        &mut self,
        work: impl FnOnce(&Ctx<'_>, &Watch) -> rquickjs::Result<T>,
    ) -> Result<T, Failure> {
        self.watch.turn();
        let done = within(&self.context, |ctx| {
            let done = work(ctx, &self.watch);
            done.map_err(|it| failure(ctx, it, &self.program, &self.watch, &self.work))
        });
        // What was thrown leaves the engine as it is.
        self.is_broken |= matches!(&done, Err(it) if !matches!(it, Failure::Thrown(_)));
        done
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What holds on to the context has to go before it.
        self.context.with(|ctx| {
            drop(ctx.remove_userdata::<Hooks<'_>>());
            drop(ctx.remove_userdata::<RowClass<'_>>());
            drop(ctx.remove_userdata::<Scene<'_>>());
        });
    }
}

/// Works in a context. A panic, which would be a defect of ours, goes on only once the context is let
/// go of: its lock must not be poisoned, as whoever drops the engine needs it.
fn within<T>(context: &Context, work: impl FnOnce(&Ctx<'_>) -> T) -> T {
    let done = context.with(|ctx| catch_unwind(AssertUnwindSafe(|| work(&ctx))));
    done.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Everything that a script finds around it.
fn prepare(ctx: &Ctx<'_>, voice: &Voice, work: &Shared) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    globals.set("console", console(ctx, voice)?)?;
    globals.set("emit", Function::new(ctx.clone(), emit)?.with_name("emit")?)?;
    globals.set(STATE, Object::new(ctx.clone())?)?;
    globals.set("copy", Function::new(ctx.clone(), copy)?.with_name("copy")?)?;
    let bytes_max = work.lock().bytes_max;
    let scene = Scene { builtins: Builtins::take(ctx)?, work: work.clone(), bytes_max };
    ctx.store_userdata(scene).map_err(|_| rquickjs::Error::Unknown)?;
    Ok(())
}

/// The class of the rows that come next.
fn set_class(ctx: &Ctx<'_>, shape: &Shape) -> rquickjs::Result<()> {
    let class = {
        let scene = ctx.userdata::<Scene<'_>>().ok_or(rquickjs::Error::Unknown)?;
        RowClass::of(ctx, &scene.builtins, shape)?
    };
    ctx.store_userdata(class).map_err(|_| rquickjs::Error::Unknown)?;
    Ok(())
}

/// What a script exports.
struct Exported {
    names: Vec<String>,
    /// Hooks that are something else.
    no_functions: Vec<&'static str>,
}

impl Exported {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|it| it == name)
    }
}

fn evaluate(ctx: &Ctx<'_>, watch: &Watch, program: &Program) -> rquickjs::Result<Exported> {
    let module = Module::declare(ctx.clone(), program.name.as_str(), program.text.as_str())?;
    let (module, evaluated) = module.eval()?;
    settled(ctx, watch, evaluated.into_value())?;
    let namespace = module.namespace()?;
    let mut names = Vec::new();
    for key in namespace.keys::<rquickjs::String<'_>>() {
        names.push(key?.to_string()?);
    }
    let (mut exported, mut no_functions) = (Vec::new(), Vec::new());
    for hook in HOOKS {
        let value: Value<'_> = namespace.get(hook)?;
        if !value.is_function() && !value.is_undefined() {
            no_functions.push(hook);
        }
        exported.push(value.into_function());
    }
    ctx.store_userdata(Hooks { exported }).map_err(|_| rquickjs::Error::Unknown)?;
    Ok(Exported { names, no_functions })
}

fn no_on_message(names: &[String]) -> String {
    let near = did_you_mean("onMessage", names.iter().map(String::as_str));
    let near = near.map(|it| format!(", only {it}")).unwrap_or_default();
    format!("the script exports no onMessage{near}: write export function onMessage(row) {{ … }}")
}

fn hook<'js>(ctx: &Ctx<'js>, name: &str) -> Option<Function<'js>> {
    let hooks = ctx.userdata::<Hooks<'js>>()?;
    let at = HOOKS.iter().position(|it| *it == name)?;
    hooks.exported.get(at)?.clone()
}

/// Calls a hook if there is one, and waits for what it promises.
fn call<'js>(
    ctx: &Ctx<'js>,
    watch: &Watch,
    name: &str,
    args: impl IntoArgs<'js>,
) -> rquickjs::Result<()> {
    let Some(hook) = hook(ctx, name) else { return Ok(()) };
    let returned: Value<'js> = hook.call(args)?;
    settled(ctx, watch, returned).map(drop)
}

/// One record.
fn message<'js>(
    ctx: &Ctx<'js>,
    watch: &Watch,
    hook: &Function<'js>,
    row: rquickjs::Result<Class<'js, Row>>,
) -> rquickjs::Result<()> {
    let mut args = Args::new(ctx.clone(), 1);
    args.push_arg(row?)?;
    let returned: Value<'js> = hook.call_arg(args)?;
    let returned = settled(ctx, watch, returned)?;
    emit_returned(ctx, &returned)
}

/// What a promise comes to; anything else is what it is. Runs what else the script left to be run.
fn settled<'js>(ctx: &Ctx<'js>, watch: &Watch, value: Value<'js>) -> rquickjs::Result<Value<'js>> {
    // A job that makes another one each time is no loop to the interpreter: it is asked here, too.
    while !watch.is_over() && ctx.execute_pending_job() {}
    match value.as_promise() {
        _ if watch.is_over() => Err(rquickjs::Error::WouldBlock),
        None => Ok(value),
        Some(promise) => promise.result().unwrap_or(Err(rquickjs::Error::WouldBlock)),
    }
}
