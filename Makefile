# The front door of the build. PGXS makes the server's half, waltrail.so and the extension's files, because only PGXS knows
# the server's flags and folders; CMake makes the program behind it, in build/.
#
#   make            library, extension and program
#   make install    into the server that PG_CONFIG names, program and manual pages into PREFIX (DESTDIR respected)
#   make installcheck   pg_regress against the running server that PGHOST, PGPORT and PGUSER name
#   make unit_tests     build/unit_tests
#   make clean
#
# Settings: PG_CONFIG=pg_config PREFIX=/usr/local DESTDIR= WERROR= (1: warnings are errors)

PG_CONFIG ?= pg_config
PREFIX ?= /usr/local
CMAKE ?= cmake

# The control file holds the only version.
control = extension/waltrail.control
version := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(control))
install_script = build/extension/waltrail--$(version).sql
# From earlier versions to this one, as long as it is not released; then the script moves to extension/upgrade and is not edited any more.
upgrade_scripts = $(patsubst extension/upgrade/from_%.sql,build/extension/waltrail--%--$(version).sql,$(wildcard extension/upgrade/from_*.sql))

# stream_reader keeps state in standard containers, which a longjmp in the server would leak: it is the program's alone.
server_sources = $(wildcard capture/*.cpp) $(wildcard decoder/*.cpp) \
	$(filter-out wire/stream_reader.cpp,$(wildcard wire/*.cpp))

MODULE_big = waltrail
OBJS = $(patsubst %.cpp,%.o,$(sort $(server_sources)))
EXTENSION = extension/waltrail
MODULEDIR = extension
DATA = $(sort $(wildcard extension/upgrade/waltrail--*--*.sql))
DATA_built = $(install_script) $(upgrade_scripts)
REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --outputdir=build/regress
REGRESS_PREP = build/regress/results
EXTRA_CLEAN = build $(OBJS:.o=.d)

# What capture costs a statement is mostly code that is not in the cache. -flto makes one piece of its functions, which are called once for each
# statement and lie in several files; a call into the server by -fno-plt touches a line less.
# The same folder as -isystem takes precedence over PGXS's own -I: warnings in server headers are not ours to mend.
PG_CPPFLAGS = -isystem $(includedir_server)
PG_CXXFLAGS = -std=c++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fvisibility=hidden -fno-plt -flto=auto -O2 -Wall -Wextra \
	-Wno-missing-field-initializers -MMD -MP $(if $(WERROR),-Werror)

# The bitcode rule of PGXS ignores PG_CXXFLAGS. A command line or an environment must not turn it on again.
override with_llvm = no

# PGXS adds to these what is the library's alone (-fno-exceptions), and where the environment has them make would hand that on.
program_flags := CFLAGS='$(CFLAGS)' CXXFLAGS='$(CXXFLAGS)' LDFLAGS='$(LDFLAGS)'
unexport CFLAGS CXXFLAGS CPPFLAGS LDFLAGS

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error could not run "$(PG_CONFIG) --pgxs": install the server's development package, or name its pg_config with PG_CONFIG=…)
endif
include $(PGXS)

-include $(OBJS:.o=.d)

# Objects made for one server version must not end up in the library of another.
built_for := build/pg_config_version
$(shell mkdir -p build; echo '$(PG_CONFIG) $(VERSION)' | cmp -s - $(built_for) || echo '$(PG_CONFIG) $(VERSION)' > $(built_for))
$(OBJS): $(built_for) Makefile

# One file per object of the SQL surface, in the order of their names.
$(install_script): $(sort $(wildcard extension/sql/*.sql)) $(control)
	@mkdir -p $(@D)
	cat $(filter %.sql,$^) > $@

# What cannot be replaced is dropped by the script that comes first.
$(upgrade_scripts): build/extension/waltrail--%--$(version).sql: extension/upgrade/from_%.sql $(sort $(wildcard extension/sql/*.sql)) $(control)
	@mkdir -p $(@D)
	sed -e '/^.echo Use "CREATE EXTENSION/d' -e 's/^CREATE \(FUNCTION\|PROCEDURE\) /CREATE OR REPLACE \1 /' $(filter %.sql,$^) > $@

build/regress/results:
	@mkdir -p $@

.PHONY: program unit_tests install-program uninstall-program

cmake_configure = env $(program_flags) $(CMAKE) -S . -B build -G 'Unix Makefiles' -DPG_CONFIG='$(PG_CONFIG)' -DWALTRAIL_WERROR=$(if $(WERROR),ON,OFF)

all: program

program:
	@$(cmake_configure) > build/cmake.log || { cat build/cmake.log; exit 1; }
	@$(MAKE) --no-print-directory -C build waltrail

unit_tests:
	@$(cmake_configure) > build/cmake.log || { cat build/cmake.log; exit 1; }
	@$(MAKE) --no-print-directory -C build unit_tests

install: install-program

install-program: program
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/bin'
	$(INSTALL) -m 755 build/waltrail '$(DESTDIR)$(PREFIX)/bin/waltrail'
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/share/man/man1' '$(DESTDIR)$(PREFIX)/share/man/man5'
	$(INSTALL) -m 644 man/waltrail.1 '$(DESTDIR)$(PREFIX)/share/man/man1/'
	$(INSTALL) -m 644 man/waltrail.toml.5 '$(DESTDIR)$(PREFIX)/share/man/man5/'

uninstall: uninstall-program

uninstall-program:
	rm -f '$(DESTDIR)$(PREFIX)/bin/waltrail' '$(DESTDIR)$(PREFIX)/share/man/man1/waltrail.1' '$(DESTDIR)$(PREFIX)/share/man/man5/waltrail.toml.5'
