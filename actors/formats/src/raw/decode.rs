//! Raw records become one column.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, RecordBatch, StringBuilder};
use arrow::datatypes::SchemaRef;

use super::config::{RawConfig, RawContent};
use crate::Encoding;
use crate::framed::Decode;
use crate::isolate::Refusal;

pub(crate) fn decode(config: &RawConfig) -> Box<dyn Decode> {
    let (schema, content) = (config.schema(), config.content);
    Box::new(RawDecode { schema, content, encoding: config.encoding })
}

struct RawDecode {
    schema: SchemaRef,
    content: RawContent,
    encoding: Encoding,
}

impl Decode for RawDecode {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn decode(&mut self, records: &[&[u8]]) -> Result<RecordBatch, Refusal> {
        let bytes = records.iter().map(|it| it.len()).sum();
        let column: ArrayRef = match self.content {
            RawContent::Bytes => {
                let mut builder = BinaryBuilder::with_capacity(records.len(), bytes);
                records.iter().for_each(|it| builder.append_value(it));
                Arc::new(builder.finish())
            }
            RawContent::Text => {
                let mut builder = StringBuilder::with_capacity(records.len(), bytes);
                for (at, record) in records.iter().enumerate() {
                    let text = self.encoding.text(record).map_err(|it| Refusal::At(at, it))?;
                    builder.append_value(text);
                }
                Arc::new(builder.finish())
            }
        };
        let batch = RecordBatch::try_new(self.schema.clone(), vec![column]);
        batch.map_err(|it| Refusal::Within(it.to_string()))
    }
}
