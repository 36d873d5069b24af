// `waltrail decode`: a file of frames, as pg_recvlogical writes them, to one JSON object a line. Between frames it skips what
// is not a frame (pg_recvlogical's newlines); damage is reported with its offset, and reading goes on at the next frame.
#include "apply/error.hpp"
#include "apply/settings.hpp"
#include "wire/change_json.hpp"
#include "wire/stream_reader.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace waltrail {

namespace {

class FrameFile {
  public:
    explicit FrameFile(const std::string &name)
        : file_(name == "-" ? stdin : std::fopen(name.c_str(), "rb"), [](FILE *file) {
              if (file != nullptr && file != stdin) std::fclose(file);
          }) {
        if (file_ == nullptr)
            throw Error(Disposition::stop,
                        fmt::format("could not open \"{}\": {}", name, std::strerror(errno)));
    }

    std::string_view bytes() const { return std::string_view(bytes_).substr(start_); }
    uint64_t offset() const { return consumed_ + start_; }
    void skip(size_t count) { start_ += count; }

    // Reads on; false at the end of the file.
    bool read_more() {
        consumed_ += start_;
        bytes_.erase(0, start_);
        start_ = 0;
        size_t before = bytes_.size();
        bytes_.resize(before + chunk_bytes);
        size_t count = std::fread(bytes_.data() + before, 1, chunk_bytes, file_.get());
        bytes_.resize(before + count);
        return count > 0;
    }

  private:
    static constexpr size_t chunk_bytes = size_t{1} << 20;
    std::unique_ptr<FILE, void (*)(FILE *)> file_;
    std::string bytes_;
    size_t start_ = 0;
    uint64_t consumed_ = 0;
};

class Decoder {
  public:
    explicit Decoder(const DecodeSettings &settings) : settings_(settings), file_(settings.file) {
        line_.allocator = wire::process_allocator();
    }
    ~Decoder() { line_.release(); }
    Decoder(const Decoder &) = delete;
    Decoder &operator=(const Decoder &) = delete;

    int run() {
        while (true) {
            file_.skip(wire::find_frame_magic(file_.bytes(), 0));
            wire::ParsedFrame frame = wire::parse_frame(file_.bytes());
            if (frame.status == wire::FrameStatus::incomplete) {
                if (file_.read_more()) continue;
                if (!file_.bytes().empty()) report("file ends in the middle of a frame");
                return damaged_ ? static_cast<int>(ExitCode::failure) : 0;
            }
            if (frame.status == wire::FrameStatus::corrupt) {
                report(frame.problem);
                file_.skip(1);
                continue;
            }
            print(frame);
            file_.skip(frame.bytes);
        }
    }

  private:
    void print(const wire::ParsedFrame &frame) {
        reader_.load(frame.header, frame.payload);
        while (true) {
            switch (reader_.next()) {
            case wire::StreamReader::Event::need_frame:
                return;
            case wire::StreamReader::Event::corrupt:
                report(reader_.problem().c_str());
                reader_.reset();
                return;
            case wire::StreamReader::Event::change:
                print_change();
                break;
            default:
                break;
            }
        }
    }

    void print_change() {
        line_.clear();
        wire::ChangeSetting setting{&reader_.source(), &reader_.transaction(), reader_.context(),
                                    settings_.label.empty() ? reader_.source().database
                                                            : std::string_view(settings_.label),
                                    reader_.decoded_at()};
        wire::append_change_json(line_, setting, reader_.change());
        line_.append_byte('\n');
        if (std::fwrite(line_.data, 1, line_.size, stdout) != line_.size)
            throw Error(Disposition::stop,
                        fmt::format("could not write: {}", std::strerror(errno)));
    }

    void report(const char *problem) {
        damaged_ = true;
        fmt::print(stderr, "waltrail: \"{}\" at byte {}: {}\n", settings_.file, file_.offset(),
                   problem);
    }

    const DecodeSettings &settings_;
    FrameFile file_;
    wire::StreamReader reader_;
    wire::Buffer line_;
    bool damaged_ = false;
};

} // namespace

int run_decode(const DecodeSettings &settings) {
    int status = Decoder(settings).run();
    if (std::fflush(stdout) != 0)
        throw Error(Disposition::stop, fmt::format("could not write: {}", std::strerror(errno)));
    return status;
}

} // namespace waltrail
