//! FlightData messages to record batches.
//!
//! arrow-ipc does the decoding. Here stands what it leaves to its caller when the sender is not
//! trusted: buffers outside their message, sizes that are declared and not sent, and dictionaries that
//! grow for ever. Each stream has a decoder of its own, because dictionary ids mean nothing outside
//! their stream.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow_flight::FlightData;
use arrow_ipc::reader::{RecordBatchDecoder, read_dictionary};
use arrow_ipc::{MessageHeader, root_as_message};
use bytes::Bytes;

use super::error::SourceError;

/// Arrow's fixed-width values up to 64 bits need no more than this; decimals and views that need 16 are
/// copied one by one by arrow-ipc. Asking for the 64 bytes of the format would copy nearly every body.
const ALIGNMENT: usize = 8;

/// What one message held.
#[derive(Debug)]
pub(super) enum Decoded {
    /// Metadata of the application, or a dictionary that is kept for later batches.
    Nothing,
    /// The columns of all batches that follow.
    Schema(SchemaRef),
    /// Rows, possibly none.
    Batch(RecordBatch),
}

/// Decodes the messages of one stream in order.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Bounds an uncompressed batch, and all dictionaries of the stream together, in bytes.
    limit: usize,
    schema: Option<SchemaRef>,
    dictionaries: HashMap<i64, ArrayRef>,
}

impl Decoder {
    /// A decoder that refuses batches above `limit` bytes, compressed or not.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            schema: None,
            dictionaries: HashMap::new(),
        }
    }

    /// Decodes the next message.
    pub(super) fn decode(&mut self, data: FlightData) -> Result<Decoded, SourceError> {
        // Messages that only carry app_metadata have no header at all.
        if data.data_header.is_empty() {
            return Ok(Decoded::Nothing);
        }
        let message = root_as_message(&data.data_header).map_err(invalid)?;
        match message.header_type() {
            MessageHeader::NONE => Ok(Decoded::Nothing),
            MessageHeader::Schema => {
                let header = message
                    .header_as_schema()
                    .ok_or_else(|| broken("an empty schema message"))?;
                let schema = Arc::new(arrow_ipc::convert::fb_to_schema(header));
                self.schema = Some(Arc::clone(&schema));
                self.dictionaries.clear();
                Ok(Decoded::Schema(schema))
            }
            MessageHeader::DictionaryBatch => {
                let schema = self
                    .schema
                    .as_ref()
                    .ok_or_else(|| broken("a dictionary before the schema"))?;
                let header = message
                    .header_as_dictionary_batch()
                    .ok_or_else(|| broken("an empty dictionary message"))?;
                let values = header
                    .data()
                    .ok_or_else(|| broken("a dictionary without values"))?;
                self.check(values, &data.data_body)?;
                read_dictionary(
                    &aligned(data.data_body),
                    header,
                    schema,
                    &mut self.dictionaries,
                    &message.version(),
                )
                .map_err(invalid)?;
                self.check_dictionaries()?;
                Ok(Decoded::Nothing)
            }
            MessageHeader::RecordBatch => {
                let schema = self
                    .schema
                    .as_ref()
                    .ok_or_else(|| broken("a batch before the schema"))?;
                let header = message
                    .header_as_record_batch()
                    .ok_or_else(|| broken("an empty batch message"))?;
                self.check(header, &data.data_body)?;
                let body = aligned(data.data_body);
                let batch = RecordBatchDecoder::try_new(
                    &body,
                    header,
                    Arc::clone(schema),
                    &self.dictionaries,
                    &message.version(),
                )
                .and_then(RecordBatchDecoder::read_record_batch)
                .map_err(invalid)?;
                Ok(Decoded::Batch(batch))
            }
            other => Err(broken(&format!(
                "a message of the kind {:?}",
                other.variant_name()
            ))),
        }
    }

    /// Every buffer lies inside the body, and what is compressed says that it becomes no larger than
    /// the limit: arrow-ipc would panic on the first and allocate the second.
    fn check(&self, batch: arrow_ipc::RecordBatch<'_>, body: &Bytes) -> Result<(), SourceError> {
        if batch.length() < 0 {
            return Err(broken("a batch with a negative number of rows"));
        }
        let compressed = batch.compression().is_some();
        let mut uncompressed: u64 = 0;
        for buffer in batch.buffers().iter().flatten() {
            let range = usize::try_from(buffer.offset()).ok().and_then(|start| {
                let end = start.checked_add(usize::try_from(buffer.length()).ok()?)?;
                body.get(start..end)
            });
            let bytes = range.ok_or_else(|| broken("a buffer outside its message"))?;
            if compressed && !bytes.is_empty() {
                // Each compressed buffer begins with its uncompressed length; -1 says "as it is".
                let (length, rest) = bytes
                    .split_first_chunk::<8>()
                    .ok_or_else(|| broken("a cut compressed buffer"))?;
                uncompressed = uncompressed.saturating_add(match i64::from_le_bytes(*length) {
                    -1 => rest.len() as u64,
                    length => u64::try_from(length)
                        .map_err(|_| broken("a buffer of a negative length"))?,
                });
            }
        }
        if uncompressed > self.limit as u64 {
            return Err(SourceError::TooLarge {
                what: "batch, uncompressed,",
                found: Some(uncompressed),
                limit: self.limit,
            });
        }
        Ok(())
    }

    /// Deltas are appended to their dictionary for as long as the stream lasts, so the dictionaries
    /// need a bound of their own.
    fn check_dictionaries(&self) -> Result<(), SourceError> {
        let bytes: usize = self
            .dictionaries
            .values()
            .map(|values| {
                values
                    .to_data()
                    .get_slice_memory_size()
                    .unwrap_or(usize::MAX)
            })
            .fold(0, usize::saturating_add);
        if bytes > self.limit {
            return Err(SourceError::TooLarge {
                what: "set of dictionaries",
                found: Some(bytes as u64),
                limit: self.limit,
            });
        }
        Ok(())
    }
}

/// The body as a buffer, without a copy where it is aligned already.
fn aligned(body: Bytes) -> Buffer {
    if body.as_ptr().align_offset(ALIGNMENT) == 0 {
        Buffer::from(body)
    } else {
        Buffer::from(body.as_ref())
    }
}

fn broken(what: &str) -> SourceError {
    SourceError::Decode {
        message: format!("it holds {what}"),
    }
}

fn invalid(error: impl std::fmt::Display) -> SourceError {
    SourceError::Decode {
        message: super::clean::Redactor::default().clean(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Int32Array, StringArray};
    use arrow::datatypes::Int32Type;
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{
        DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions,
    };

    use super::*;

    /// The messages of one batch, as a server sends them.
    fn messages(batch: &RecordBatch, compression: Option<CompressionType>) -> Vec<FlightData> {
        let options = IpcWriteOptions::default()
            .try_with_compression(compression)
            .unwrap();
        let mut tracker = DictionaryTracker::new(false);
        let mut context = IpcWriteContext::default();
        let generator = IpcDataGenerator::default();
        // Encoding the schema is what gives the dictionaries their ids.
        let schema = generator.schema_to_bytes_with_dictionary_tracker(
            &batch.schema(),
            &mut tracker,
            &options,
        );
        let (dictionaries, data) = generator
            .encode(batch, &mut tracker, &options, &mut context)
            .unwrap();
        [schema]
            .into_iter()
            .chain(dictionaries)
            .chain([data])
            .map(FlightData::from)
            .collect()
    }

    fn numbers(rows: i32) -> RecordBatch {
        let values = Arc::new(Int32Array::from_iter_values(0..rows)) as ArrayRef;
        RecordBatch::try_from_iter([("n", values)]).unwrap()
    }

    fn decode_all(
        messages: Vec<FlightData>,
        limit: usize,
    ) -> Result<Vec<RecordBatch>, SourceError> {
        let mut decoder = Decoder::new(limit);
        let mut batches = Vec::new();
        for message in messages {
            if let Decoded::Batch(batch) = decoder.decode(message)? {
                batches.push(batch);
            }
        }
        Ok(batches)
    }

    #[test]
    fn decodes_whatever_the_alignment_of_the_body() {
        let batch = numbers(1000);
        for shift in 0..16 {
            let mut sent = messages(&batch, None);
            let body = sent[1].data_body.clone();
            let mut shifted = vec![0; shift];
            shifted.extend_from_slice(&body);
            sent[1].data_body = Bytes::from(shifted).slice(shift..);
            assert_eq!(decode_all(sent, 1 << 20).unwrap(), vec![batch.clone()]);
        }
    }

    #[test]
    fn a_cut_body_is_an_error() {
        for compression in [
            None,
            Some(CompressionType::LZ4_FRAME),
            Some(CompressionType::ZSTD),
        ] {
            let whole = messages(&numbers(1000), compression);
            for keep in [0, 1, 7, 8, 100] {
                let mut sent = whole.clone();
                sent[1].data_body = sent[1].data_body.slice(..keep);
                let error = decode_all(sent, 1 << 20).unwrap_err();
                assert!(matches!(error, SourceError::Decode { .. }), "{error}");
            }
        }
    }

    #[test]
    fn a_damaged_header_is_an_error() {
        let mut sent = messages(&numbers(10), None);
        sent[1].data_header = sent[1].data_header.slice(..sent[1].data_header.len() / 2);
        assert!(matches!(
            decode_all(sent, 1 << 20),
            Err(SourceError::Decode { .. })
        ));
    }

    #[test]
    fn a_batch_before_the_schema_is_an_error() {
        let sent = messages(&numbers(10), None).split_off(1);
        assert!(matches!(
            decode_all(sent, 1 << 20),
            Err(SourceError::Decode { .. })
        ));
    }

    #[test]
    fn a_compressed_batch_is_measured_by_what_it_becomes() {
        let zeros = Arc::new(Int32Array::from(vec![0; 100_000])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("z", zeros)]).unwrap();
        let sent = messages(&batch, Some(CompressionType::ZSTD));
        assert!(sent[1].data_body.len() < 10_000);
        let refused = decode_all(sent.clone(), 100_000).unwrap_err();
        assert!(
            matches!(
                refused,
                SourceError::TooLarge {
                    found: Some(400_000),
                    limit: 100_000,
                    ..
                }
            ),
            "{refused:?}"
        );
        assert_eq!(decode_all(sent, 400_000).unwrap(), vec![batch]);
    }

    #[test]
    fn dictionaries_are_bounded() {
        let words: Vec<String> = (0..1000).map(|i| format!("category number {i}")).collect();
        let values = Arc::new(StringArray::from(words));
        let keys = Int32Array::from(vec![1, 2, 999]);
        let column = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
        let batch = RecordBatch::try_from_iter([("c", Arc::new(column) as ArrayRef)]).unwrap();
        let sent = messages(&batch, None);
        assert_eq!(decode_all(sent.clone(), 1 << 20).unwrap(), vec![batch]);
        let refused = decode_all(sent, 10_000).unwrap_err();
        assert!(
            matches!(refused, SourceError::TooLarge { .. }),
            "{refused:?}"
        );
    }

    #[test]
    fn metadata_alone_is_nothing() {
        let metadata = FlightData {
            app_metadata: Bytes::from_static(b"chunk"),
            ..Default::default()
        };
        assert!(matches!(
            Decoder::new(1).decode(metadata),
            Ok(Decoded::Nothing)
        ));
    }
}
