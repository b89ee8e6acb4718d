"""A file system in memory, by /dev/fuse, mounted at the folder that is named, until this process is killed. While it is
stopped, whoever reads or writes there waits, as with a network file system whose server is out of reach."""
import ctypes
import errno
import os
import signal
import stat
import struct
import subprocess
import sys

LOOKUP, FORGET, GETATTR, SETATTR, MKDIR, UNLINK, RMDIR, RENAME, OPEN, READ, WRITE = 1, 2, 3, 4, 9, 10, 11, 12, 14, 15, 16
RELEASE, INIT, OPENDIR, READDIR, RELEASEDIR, CREATE, INTERRUPT, BATCH_FORGET, RENAME2 = 18, 26, 27, 28, 29, 35, 36, 42, 45
ROOT, SILENT = 1, {FORGET, INTERRUPT, BATCH_FORGET}
NEW_SIZE = 8  # in what SETATTR says that it changes


class FarDisk:
    """Such a file system at `folder`, in a process of its own."""

    def __init__(self, folder):
        self._folder = folder
        self._server = subprocess.Popen([sys.executable, __file__, folder], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.mounted = self._server.stdout.readline() == "mounted\n"

    def go_out_of_reach(self):
        self._server.send_signal(signal.SIGSTOP)

    def close(self):
        self._server.kill()
        self._server.wait()
        self._server.stdout.close()
        subprocess.run(["umount", "--lazy", self._folder], capture_output=True)


class Node:
    def __init__(self, number, mode):
        self.number, self.mode, self.links = number, mode, 1
        self.entries, self.data = {}, bytearray()

    def attributes(self):
        return struct.pack("<6Q10I", self.number, len(self.data), 0, 0, 0, 0, 0, 0, 0, self.mode, self.links, 0, 0, 0, 4096, 0)

    def entry(self):
        return struct.pack("<4Q2I", self.number, 0, 0, 0, 0, 0) + self.attributes()


class MemoryFs:
    def __init__(self):
        self.nodes = {}
        self.make(stat.S_IFDIR | 0o777)  # ROOT

    def make(self, mode):
        node = Node(len(self.nodes) + ROOT, mode)
        self.nodes[node.number] = node
        return node

    def child(self, node, name):
        if name not in node.entries:
            raise OSError(errno.ENOENT, "")
        return self.nodes[node.entries[name]]

    def add(self, node, name, mode):
        node.entries[name] = self.make(mode).number
        return self.child(node, name).entry()

    def move(self, node, target, old, new):
        self.nodes[target].entries[new] = node.entries.pop(old)
        return b""

    def answer(self, operation, node, body):
        if operation == INIT:
            return struct.pack("<4I2H2I2HI28x", 7, 31, 0, 0, 16, 12, 1 << 17, 1, 0, 0, 0)
        if operation == LOOKUP:
            return self.child(node, body[:-1]).entry()
        if operation in (GETATTR, SETATTR):
            if operation == SETATTR and struct.unpack_from("<I", body)[0] & NEW_SIZE:
                del node.data[struct.unpack_from("<Q", body, 16)[0]:]
            return struct.pack("<Q2I", 0, 0, 0) + node.attributes()
        if operation == MKDIR:
            return self.add(node, body[8:-1], stat.S_IFDIR | 0o777)
        if operation == CREATE:
            return self.add(node, body[16:-1], stat.S_IFREG | 0o666) + bytes(16)
        if operation in (UNLINK, RMDIR):
            gone = self.child(node, body[:-1])
            if gone.entries:
                raise OSError(errno.ENOTEMPTY, "")
            gone.links = 0
            del node.entries[body[:-1]]
            return b""
        if operation in (RENAME, RENAME2):
            old, new = body[8 if operation == RENAME else 16:-1].split(b"\0")
            return self.move(node, struct.unpack_from("<Q", body)[0], old, new)
        if operation in (OPEN, OPENDIR):
            return bytes(16)
        if operation in (RELEASE, RELEASEDIR):
            return b""
        offset, size = struct.unpack_from("<8xQI", body) if operation in (READ, WRITE, READDIR) else (0, 0)
        if operation == READ:
            return bytes(node.data[offset:offset + size])
        if operation == WRITE:
            node.data[offset:offset + size] = body[40:40 + size]
            return struct.pack("<2I", size, 0)
        if operation == READDIR:
            listed = b""
            for at, (name, number) in list(enumerate(node.entries.items(), 1))[offset:]:
                listed += struct.pack("<2Q2I", number, at, len(name), 0) + name + bytes(-len(name) % 8)
            return listed
        raise OSError(errno.ENOSYS, "")

    def serve(self, device):
        while True:
            request = os.read(device, 1 << 18)
            _, operation, unique, number = struct.unpack_from("<2I2Q", request)
            if operation in SILENT:
                continue
            try:
                code, answer = 0, self.answer(operation, self.nodes.get(number), request[40:])
            except OSError as error:
                code, answer = -error.errno, b""
            os.write(device, struct.pack("<IiQ", 16 + len(answer), code, unique) + answer)


def main():
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
    if ctypes.CDLL(None, use_errno=True).mount(b"memory", os.fsencode(sys.argv[1]), b"fuse", 0, options.encode()) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    print("mounted", flush=True)
    MemoryFs().serve(device)


if __name__ == "__main__":
    main()
