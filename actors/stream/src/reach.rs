//! Whether what a workflow reads from, looks up and writes to is there: asked before a node begins to
//! run it in the place of something else. A question leaves nothing behind on the other side.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use weir_domain::plan::{Plan, Role, Stage};
use weir_domain::{Fault, StageId};

use crate::check::check_plan;
use crate::clear::ClearPlan;
use crate::instance::{Sources, context, sources};
use crate::layout::{dead_letters_id, unknown_kind};
use crate::services::Services;
use crate::workflow::WorkflowSpec;

/// What one stage is asked, and whom it is about in the words of people.
struct Question {
    stage: StageId,
    about: String,
    ask: Box<dyn FnOnce() -> Result<(), Fault> + Send>,
}

impl WorkflowSpec {
    /// Whether its stages find here what they read from, look up and write to. What is silent for so
    /// long is out of reach, and is not asked again before it has answered: each question holds a
    /// thread.
    pub async fn check_access(&self, services: &Services, within: Duration) -> Result<(), Fault> {
        let reached = self.ask(services, within).await;
        reached.map_err(|it| self.secrets.masked_fault(it))
    }

    async fn ask(&self, services: &Services, within: Duration) -> Result<(), Fault> {
        let plan = ClearPlan::of(&self.plan, &self.secrets, &services.registry)?;
        let mut questions = self.of_sources(&plan, services)?;
        questions.extend(self.of_operators(&plan, services)?);
        questions.extend(self.of_sinks(&plan, services)?);
        drop(plan);
        for question in questions {
            self.ask_one(services, within, question).await?;
        }
        Ok(())
    }

    fn of_sources(&self, plan: &ClearPlan, services: &Services) -> Result<Vec<Question>, Fault> {
        let (sources, cx) = sources(plan, &self.base_dir, services)?;
        Ok(match sources {
            Sources::Items(source) => vec![Question {
                stage: cx.stage,
                about: source.origin(),
                ask: Box::new(move || source.check_access()),
            }],
            Sources::Live(sources) => {
                let question = |(stage, source): (StageId, Box<dyn crate::LiveSource>)| Question {
                    stage,
                    about: source.origin(),
                    ask: Box::new(move || source.check_access()),
                };
                sources.into_iter().map(question).collect()
            }
        })
    }

    fn of_operators(&self, plan: &ClearPlan, services: &Services) -> Result<Vec<Question>, Fault> {
        let mut questions = Vec::new();
        for stage in plan.of_role(Role::Operator) {
            let kind = services.registry.operators.get(stage.kind.as_str()).cloned();
            let kind = kind.ok_or_else(|| unknown_kind(stage.role, &stage.kind))?;
            let Some(about) = kind.looks_up(&stage.config) else { continue };
            let cx = context(plan, &stage.id, &self.base_dir, services);
            let config = stage.config.clone();
            let ask = Box::new(move || kind.check_access(&config, &cx));
            questions.push(Question { stage: stage.id.clone(), about, ask });
        }
        Ok(questions)
    }

    fn of_sinks(&self, plan: &ClearPlan, services: &Services) -> Result<Vec<Question>, Fault> {
        let schemas = check_plan(plan, &services.registry).schemas;
        let input = |stage: &Stage| -> Option<SchemaRef> {
            let mut edges = plan.edges.iter().filter(|it| it.to == stage.id);
            edges.find_map(|it| schemas.get(&(it.from.clone(), it.port.clone())).cloned())
        };
        let plan_of_it: &Plan = plan;
        let stages = plan_of_it.of_role(Role::Sink);
        let stages = stages.map(|it| (it.id.clone(), &it.kind, &it.config, input(it)));
        let letters = plan_of_it.dead_letters.iter();
        let letters = letters.map(|it| (dead_letters_id(), &it.kind, &it.config, None));
        let mut questions = Vec::new();
        for (stage, kind, config, input) in stages.chain(letters) {
            let known = services.registry.sinks.get(kind.as_str());
            let known = known.ok_or_else(|| unknown_kind(Role::Sink, kind))?;
            let sink = known.build(config, &context(plan, &stage, &self.base_dir, services))?;
            let Some(about) = sink.target() else { continue };
            let ask = Box::new(move || sink.check_access(input.as_ref()));
            questions.push(Question { stage, about, ask });
        }
        Ok(questions)
    }

    async fn ask_one(
        &self,
        services: &Services,
        within: Duration,
        question: Question,
    ) -> Result<(), Fault> {
        let Question { stage, about, ask } = question;
        let place = format!("workflow {}, stage {stage}", self.plan.workflow);
        let silent = || {
            let message = format!("{place}: {about} gives no answer within {within:?}");
            Fault::transient(3143, message).with_hint(
                "is a mount there hung? mend it or unmount it: this goes on once it answers",
            )
        };
        let tasks = services.system.tasks();
        let question = self.secrets.masked(&format!("reach {place}: {about}")).into_owned();
        if tasks.running().iter().any(|it| **it == *question) {
            return Err(silent());
        }
        let asked = tasks.spawn_blocking(question, ask);
        let answer = tokio::time::timeout(within, asked.join()).await.map_err(|_| silent())?;
        let reached = answer.map_err(|it| Fault::transient(3145, it.to_string()))?;
        reached.map_err(|it| Fault { message: format!("{place}: {}", it.message), ..it })
    }
}
