//! LIS02 records: lossless parsing, typed views, editing and emitting. Never sees a frame.
