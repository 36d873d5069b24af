"""A TCP proxy of the tests' own, between apply and a server, that does to a connection what networks do.

What it does is chosen by calls, and where it cuts by a count of bytes, so that a seed brings the same fault again. It runs in a thread of its own;
every call takes effect before it returns.
"""

import asyncio
import contextlib
import socket
import struct
import threading

import servers

CHUNK_BYTES = 16 * 1024
FORGOTTEN_S = 3
TO_SERVER = "to server"
TO_CLIENT = "to client"


class _Link:
    """One client's connection and the one that was made for it to the server."""

    def __init__(self, client, server):
        self.client = client
        self.server = server
        self.is_lost = False

    def abort(self):
        """Both sides get a reset, as from a firewall that has forgotten the connection."""
        for writer in (self.client, self.server):
            raw = writer.get_extra_info("socket")
            if raw is not None:
                with contextlib.suppress(OSError):
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Proxy:
    def __init__(self, server_port, server_host="127.0.0.1"):
        self._server = (server_host, server_port)
        self._links = set()
        self._is_losing = False
        self._delay_s = 0.0
        self._bytes_left = {}  # by direction, until a cut
        self.passed = {TO_SERVER: 0, TO_CLIENT: 0}  # bytes
        self.cuts = 0  # by cut_after()
        self.port = servers.free_port()
        self._listener = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._passing = self._call(self._new_event)
        self.accept()

    # -- what is done to the connections: these return how many there are ----------------------------------------------

    def cut(self):
        """All connections end with a reset. New ones are taken."""
        return self._call(self._abort_all)

    def stall(self):
        """Nothing passes until resume(), nothing is lost, and both sides see a connection. New ones are taken, and stand as well."""
        return self._call(self._stop_passing)

    def lose(self):
        """What the present connections say is lost for ever, and neither side is told. Where one gives up, the other learns of it FORGOTTEN_S later,
        as from its own keepalives, which this machine's kernel would answer here. New connections are taken, and lost as well, until resume()."""
        return self._call(self._lose_all)

    def refuse(self):
        """Connections end, and new ones are refused, until accept()."""
        return self._call(self._stop_listening)

    # -- and these nothing ---------------------------------------------------------------------------------------------

    def cut_after(self, count, direction):
        """The connection over which the count-th byte from now on passes in that direction ends behind it, once."""
        self._call(lambda: self._bytes_left.__setitem__(direction, count))

    def delay(self, seconds):
        """Every piece of at most CHUNK_BYTES takes so long."""
        self._call(lambda: setattr(self, "_delay_s", seconds))

    def accept(self):
        if self._listener is None:
            self._call(self._listen)

    def resume(self):
        """Nothing more is done to what passes. What was lost stays lost."""
        self._call(self._do_nothing_more)
        self.accept()

    def close(self):
        self._call(self._stop_listening)
        self._call(self._end_tasks)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _call(self, function):
        async def run():
            result = function()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(30)

    @staticmethod
    def _new_event():
        event = asyncio.Event()
        event.set()
        return event

    def _abort_all(self):
        count = len(self._links)
        for link in list(self._links):
            link.abort()
        return count

    def _stop_passing(self):
        self._passing.clear()
        return len(self._links)

    def _lose_all(self):
        self._is_losing = True
        for link in self._links:
            link.is_lost = True
        return len(self._links)

    def _do_nothing_more(self):
        self._is_losing = False
        self._delay_s = 0.0
        self._bytes_left.clear()
        self._passing.set()

    async def _listen(self):
        self._listener = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def _stop_listening(self):
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        return self._abort_all()

    @staticmethod
    async def _end_tasks():
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, client_reader, client_writer):
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server)
        except OSError:
            client_writer.transport.abort()
            return
        link = _Link(client_writer, server_writer)
        link.is_lost = self._is_losing
        self._links.add(link)
        try:
            await asyncio.gather(
                self._pass_on(link, client_reader, server_writer, TO_SERVER),
                self._pass_on(link, server_reader, client_writer, TO_CLIENT),
            )
        finally:
            self._links.discard(link)
            for writer in (client_writer, server_writer):
                writer.close()

    async def _pass_on(self, link, reader, writer, direction):
        try:
            while data := await reader.read(CHUNK_BYTES):
                await self._passing.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if not link.is_lost:
                    await self._send(link, writer, data, direction)
            await self._passing.wait()
            if not link.is_lost:
                writer.write_eof()
        except OSError:
            if not link.is_lost:
                link.abort()
        if link.is_lost:
            await asyncio.sleep(FORGOTTEN_S)
            link.abort()

    async def _send(self, link, writer, data, direction):
        left = self._bytes_left.get(direction)
        is_last = left is not None and left <= len(data)
        if is_last:
            data = data[:left]
            del self._bytes_left[direction]
        elif left is not None:
            self._bytes_left[direction] = left - len(data)
        writer.write(data)
        await writer.drain()
        self.passed[direction] += len(data)
        if is_last:
            self.cuts += 1
            link.abort()
            raise ConnectionAbortedError
