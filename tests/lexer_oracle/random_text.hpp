// Texts that are hard to lex: pieces of literals, comments, operators and numbers, whole and broken, one after the other. A seed
// gives the same text everywhere.
#pragma once

#include <cstdint>

namespace waltrail::oracle {

// The mixing step of SplitMix64.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t mixed = state_ += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    int below(int limit) { return static_cast<int>(next() % static_cast<uint64_t>(limit)); }
    bool once_in(int times) { return below(times) == 0; }

  private:
    uint64_t state_;
};

inline constexpr int text_bytes_max = 4096;

// Writes a text and the zero behind it; no zero is in it.
void write_random_text(Random &random, char (&text)[text_bytes_max]);

} // namespace waltrail::oracle
