// The three functions of PostgreSQL that wire/ uses, because they define what is right: in the server they are part of
// the postgres program, in ours they come from libpgcommon and libpgport. Declared here, so that no server header is
// needed.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// common/shortest_dec.h: the shortest text that reads back as the same number, as float8out and float4out write it with
// extra_float_digits = 1. The buffer must hold 25 or 16 bytes; the text is terminated, its length returned.
// Not for NaN and infinities' SQL spelling.
int double_to_shortest_decimal_buf(double value, char *result);
int float_to_shortest_decimal_buf(float value, char *result);

// port/pg_crc32c.h: CRC-32C with the processor's instruction where there is one; start with 0xFFFFFFFF, invert at the end.
extern uint32_t (*pg_comp_crc32c)(uint32_t crc, const void *data, size_t length);
}
