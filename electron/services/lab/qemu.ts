/** One lab host as a QEMU process without KVM. */
import type { CableEnd } from './cable.ts'
import type { ProcessIdentity } from './processes.ts'
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { labDom0MiB } from '../../../shared/model/labPlan.ts'
import { cableOption } from './cable.ts'
import { qemuName, spawnQemu } from './qemuProcess.ts'
import { toolEnvironment } from './tools.ts'

export interface QemuHost {
  /** Also the name of the host's folder below the lab's. */
  name: string
  mac: string
  sshPort: number
  cable: CableEnd
  memoryMiB: number
  /** With a third disk, for the disks of its guests. */
  roomForDisks: boolean
}

/**
 * smap=off: with SMAP a PV dom0 dies at boot under TCG. rdtscp=off: a PVH guest hangs on it. pku=off: guests of Linux 6.12
 * die at random at boot. ssse3 and what builds on it: TCG emulates them so slowly that libsodium is six times faster without
 * (4.3 against 27.4 MB/s sealed, measured with qemu-user 7.2). erms, fsrm=off: TCG moves one byte a turn of REP MOVSB, and eight
 * of REP MOVSQ, which Linux then takes (a page cleared 3 times, a pipe about 1.7 times as fast in dom0).
 */
const cpu = 'max,smap=off,rdtscp=off,pku=off,ssse3=off,sse4.1=off,sse4.2=off,avx=off,avx2=off,aes=off,pclmulqdq=off,sha-ni=off,erms=off,fsrm=off'

/** One CPU a host: with two, TCG let guests run into the hypervisor's own code now and then (triple fault in two of four). */
const cpuCount = 1

/** eager-fpu: with lazy switching, TCG mixes the vector registers of two domains. bootscrub: the memory QEMU gives is zero. */
const xenArguments = `com1=115200,8n1 console=com1 dom0_mem=${labDom0MiB}M,max:${labDom0MiB}M dom0_max_vcpus=1 spec-ctrl=eager-fpu bootscrub=no loglvl=warning guest_loglvl=warning`
const kernelArguments = 'root=/dev/vda console=hvc0 loglevel=4 net.ifnames=0 mitigations=off ipv6.disable=1'

/** Of what the guests' disks lie on; it grows as they are written. */
const diskRoom = '8G'

/**
 * Arguments for a QEMU that runs in the lab's folder. All paths are relative to it: QEMU's option syntax has commas and
 * spaces of its own, and a user's home may have them too. `NAME/image` is a link to the image's folder.
 */
export function qemuArguments(host: QemuHost): string[] {
  const file = (name: string) => `${host.name}/${name}`
  return [
    '-name', qemuName(host.name),
    '-accel', 'tcg,thread=multi,tb-size=256',
    '-machine', 'pc', '-cpu', cpu, '-smp', `${cpuCount}`, '-m', `${host.memoryMiB}`,
    '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-vga', 'none',
    '-kernel', file('image/xen'), '-append', xenArguments,
    '-initrd', `${file('image/vmlinuz')} ${kernelArguments},${file('image/initrd.cpio')}`,
    '-drive', `file=${file('disk.qcow2')},format=qcow2,if=virtio,cache=unsafe`,
    '-drive', `file=${file('seed.tar')},format=raw,if=virtio,readonly=on`,
    ...host.roomForDisks ? ['-drive', `file=${file('room.qcow2')},format=qcow2,if=virtio,cache=unsafe`] : [],
    // eth0: nothing but ssh from this machine
    '-netdev', `user,id=outside,restrict=on,hostfwd=tcp:127.0.0.1:${host.sshPort}-:22`,
    '-device', 'virtio-net-pci,netdev=outside,romfile=',
    // eth1: the cable to the other hosts
    '-netdev', cableOption('link', host.cable),
    '-device', `virtio-net-pci,netdev=link,mac=${host.mac},host_mtu=9000,romfile=`,
    '-chardev', `file,id=serial,path=${file('serial.log')}`, '-serial', 'chardev:serial',
    '-qmp', `unix:${file('monitor.sock')},server=on,wait=off`,
  ]
}

/** Paths of one host's files, for this process. */
export function hostFiles(labFolder: string, name: string) {
  const folder = join(labFolder, name)
  return {
    folder,
    serialLog: join(folder, 'serial.log'),
    qemuLog: join(folder, 'qemu.log'),
    monitorSocket: join(folder, 'monitor.sock'),
  }
}

/** A fresh overlay of the image's disk, and room for the guests' disks where there are any. */
async function makeDrives(labFolder: string, { name, roomForDisks }: QemuHost): Promise<void> {
  const create = async (...args: string[]) => promisify(execFile)('qemu-img', ['create', '-q', '-f', 'qcow2', ...args], { cwd: labFolder, env: toolEnvironment() })
  await create('-F', 'raw', '-b', 'image/dom0.img', `${name}/disk.qcow2`)
  if (roomForDisks)
    await create(`${name}/room.qcow2`, diskRoom)
}

/** Starts the host. Its folder and seed.tar are there already; its disks too where they are `kept`, otherwise it gets fresh ones. */
export async function startQemu(labFolder: string, host: QemuHost, disks: 'fresh' | 'kept'): Promise<ProcessIdentity> {
  const files = hostFiles(labFolder, host.name)
  await rm(files.serialLog, { force: true })
  if (disks === 'fresh')
    await makeDrives(labFolder, host)
  return spawnQemu(labFolder, host.name, qemuArguments(host), files.qemuLog)
}
