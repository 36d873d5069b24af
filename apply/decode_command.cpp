// `waltrail decode`: a file of frames to one JSON object a line. The file is what pg_recvlogical writes, with a newline after
// each frame, or what COPY … (FORMAT binary) of changes.quarantine writes, with a header and the lengths of rows. Damage is reported with its offset, and no change is printed that could be bent by it:
//
// | damage                                   | reading goes on at the next              |
// |------------------------------------------|------------------------------------------|
// | a frame whose header describes nothing   | frame that begins a transaction          |
// | a frame that may have described a table, | frame that opens a session (or stands    |
// | bytes that are no frame, records at odds | alone)                                   |
// | a frame torn by the end of a session     | frame that opens a session               |
#include "apply/error.hpp"
#include "apply/log_format.hpp"
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
            skip_to_frame();
            wire::ParsedFrame frame = wire::parse_frame(file_.bytes());
            if (frame.status == wire::FrameStatus::incomplete) {
                if (file_.read_more()) continue;
                if (file_.bytes().empty())
                    return damaged_ ? static_cast<int>(ExitCode::failure) : 0;
                report("file ends in the middle of a frame", Resume::at_session);
                file_.skip(
                    1); // a session appended behind a torn frame may lie inside what it claims
            } else if (frame.status == wire::FrameStatus::corrupt) {
                constexpr uint8_t describes = 0x20;
                bool may_describe = (static_cast<uint8_t>(file_.bytes()[5]) & describes) != 0;
                report(frame.problem, may_describe ? Resume::at_session : Resume::at_transaction);
                file_.skip(1);
            } else {
                print(frame);
                file_.skip(frame.bytes);
                after_damage_ = false;
            }
        }
    }

  private:
    enum class Resume { at_once, at_transaction, at_session };

    void skip_to_frame() {
        size_t gap = wire::find_frame_magic(file_.bytes(), 0);
        std::string_view between = file_.bytes().substr(0, gap);
        if (file_.offset() == 0) is_copy_ = between.starts_with(copy_signature);
        bool expected = is_copy_ ? between.size() <= copy_gap_bytes_max
                                 : between.find_first_not_of('\n') == std::string_view::npos;
        if (!expected && !after_damage_) report("bytes that are no frame", Resume::at_session);
        file_.skip(gap);
    }

    bool may_resume(const wire::FrameHeader &header) const {
        switch (resume_) {
        case Resume::at_once:
            return true;
        case Resume::at_transaction:
            return header.begins || header.opens;
        case Resume::at_session:
            return header.opens;
        }
        return false;
    }

    void print(const wire::ParsedFrame &frame) {
        if (!may_resume(frame.header)) return;
        resume_ = Resume::at_once;
        reader_.load(frame.header, frame.payload);
        while (true) {
            switch (reader_.next()) {
            case wire::StreamReader::Event::need_frame:
                return;
            case wire::StreamReader::Event::corrupt: {
                std::string problem = reader_.problem();
                return report(problem.c_str(), Resume::at_session);
            }
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

    void report(const char *problem, Resume resume) {
        damaged_ = after_damage_ = true;
        if (resume > resume_) resume_ = resume;
        reader_.abandon_transaction();
        tell_error(fmt::format("\"{}\" at byte {}: {}: changes up to the next {} are left out",
                               settings_.file, file_.offset(), problem,
                               resume_ == Resume::at_session ? "session" : "transaction"));
    }

    // PostgreSQL documentation, COPY, "Binary Format": the signature, flags, the length of an extension; then each row's count
    // of fields and the length of its field, and at the end a count of -1.
    static constexpr std::string_view copy_signature = "PGCOPY\n\377\r\n";
    static constexpr size_t copy_gap_bytes_max = 11 + 4 + 4 + 2 + 4;

    const DecodeSettings &settings_;
    FrameFile file_;
    bool is_copy_ = false;
    wire::StreamReader reader_;
    wire::Buffer line_;
    bool damaged_ = false;
    bool after_damage_ = false; // bytes since then are the rest of a damaged frame
    Resume resume_ = Resume::at_once;
};

} // namespace

int run_decode(const DecodeSettings &settings) {
    int status = Decoder(settings).run();
    if (std::fflush(stdout) != 0)
        throw Error(Disposition::stop, fmt::format("could not write: {}", std::strerror(errno)));
    return status;
}

} // namespace waltrail
