/** The words of a report in both languages; they stand here because a report is made where no screen is. */
import type { FairnessCode } from '../../../shared/model/fairness.ts'
import type { Measure } from '../../../shared/model/raceTable.ts'
import type { Mode, Outcome } from '../../../shared/model/run.ts'

export interface ReportWords {
  modes: Record<Mode, string>
  title: string
  emulated: string
  recording: string
  /** {me2}: ME2 with its encoder; {parts}: what is less or more. */
  verdict: string
  /** {percent}, {more}. */
  said: Partial<Record<Measure, string>>
  less: string
  more: string
  and: string
  compared: string
  comparedNote: string
  measures: Record<Measure, string>
  paper: string
  notGiven: string
  noCap: string
  sent: string
  /** {same}, {of}. */
  fair: string
  same: string
  different: string
  fairness: Record<FairnessCode, string>
  nothingLost: string
  run: string
  outcome: string
  outcomes: Record<Outcome, string>
  unfinished: string
  hashes: string
  bad: string
  roundsTitle: string
  rounds: readonly string[]
  final: string
  encoders: readonly string[]
  /** {hits}, {lookups}. */
  cache: string
  sweep: string
  sweepNote: string
  sweepHead: { link: string, fastest: string }
  sweepLines: readonly [time: string, data: string, ratio: string]
  notMeasured: string
  /** {low}, {high}, {from}, {to}. */
  crossover: string
  noCrossover: string
  hosts: string
  host: string
  kernel: string
  agent: string
  foot: string
}

export const reportWords: Record<'en' | 'zh', ReportWords> = {
  en: {
    modes: { stock: 'Stock', me2: 'ME2' },
    title: 'Stock and ME2 live migration',
    emulated: 'Boxed lab: the CPU is emulated. Compare the ratios, not the seconds.',
    recording: 'A recording that came with the console.',
    verdict: 'Against stock, {me2} {parts}.',
    said: { data: 'sent {percent} % {more} data', time: 'took {percent} % {more} time', downtime: 'paused the guest for {percent} % {more}' },
    less: 'less',
    more: 'more',
    and: ', ',
    compared: 'The comparison',
    comparedNote: 'Medians, and smallest to largest where there are several runs. The paper\'s averages are of its own machines and guests (Ma et al., CLUSTER 2012).',
    measures: { data: 'Sent', disk: 'Sent for the disk', cpu: 'CPU time of agent and xl on both hosts', time: 'Total time', downtime: 'Paused', downtimeTransfer: 'Paused, transfer part', heartbeatGap: 'Longest heartbeat gap' },
    paper: 'paper\'s average',
    notGiven: 'not given',
    noCap: 'no cap',
    sent: 'Sent: MB over time, all runs from the same start',
    fair: 'Kept the same: {same} of {of}',
    same: 'same',
    different: 'different',
    fairness: {
      guest: 'guest', hosts: 'hosts', versions: 'versions', encoding: 'encoder', rate: 'link cap', link: 'link', vifScript: 'network script', workload: 'workload',
      verify: 'comparison of pages', scrub: 'left-out pages made zero', settle: 'rest before each run', directions: 'directions',
    },
    nothingLost: 'Was anything lost?',
    run: 'Run',
    outcome: 'outcome',
    outcomes: { migrated: 'migrated', aborted: 'undone', failed: 'failed', unknown: 'not known' },
    unfinished: 'This run has no result: it goes on, or the console ended before it did.',
    hashes: 'pages compared / differing',
    bad: 'bad pages by the guest\'s own check',
    roundsTitle: 'Rounds',
    rounds: ['round', 'pages', 'left out', 'constant', 'seen before', 'differences', 'encoded', 'raw', 'MB', 's'],
    final: '(paused)',
    encoders: ['encoded by', 'pages', 'MB', 'CPU, s'],
    cache: 'Of {lookups} pages that were sent again, the cache still had {hits}.',
    sweep: 'Which method at which link rate',
    sweepNote: 'One run a figure: small differences are no differences. Time ÷ stock is over stock at the same rate.',
    sweepHead: { link: 'link', fastest: 'fastest' },
    sweepLines: ['total time, s', 'sent, MB', 'time ÷ stock'],
    notMeasured: 'not measured',
    crossover: 'Between {low} and {high} the fastest changes from {from} to {to}.',
    noCrossover: 'The same method is the fastest at every rate.',
    hosts: 'Hosts',
    host: 'host',
    kernel: 'dom0 kernel',
    agent: 'agent',
    foot: 'Made by the ME2 Lab Console. MB are 10⁶ bytes; ratios are ME2 ÷ stock, below 1 is less. It holds figures only, nothing of a guest\'s memory.',
  },
  zh: {
    modes: { stock: '原生', me2: 'ME2' },
    title: '原生与 ME2 在线迁移',
    emulated: '内置实验室：CPU 是模拟的。请比较比值，而不是秒数。',
    recording: '随控制台附带的录制。',
    verdict: '与原生相比，{me2} {parts}。',
    said: { data: '发送数据{more} {percent} %', time: '耗时{more} {percent} %', downtime: '暂停时间{more} {percent} %' },
    less: '减少',
    more: '增加',
    and: '，',
    compared: '比较',
    comparedNote: '中位数；多次运行时括号内为最小值到最大值。论文平均值来自其自己的机器和虚拟机（Ma 等，CLUSTER 2012）。',
    measures: { data: '发送', disk: '磁盘发送', cpu: '两台主机上代理与 xl 的 CPU 时间', time: '总时间', downtime: '暂停', downtimeTransfer: '暂停中的传输部分', heartbeatGap: '最长心跳间隔' },
    paper: '论文平均值',
    notGiven: '未给出',
    noCap: '无上限',
    sent: '发送量：MB 随时间，各次运行同一起点',
    fair: '保持一致：{of} 项中的 {same} 项',
    same: '相同',
    different: '不同',
    fairness: {
      guest: '虚拟机', hosts: '主机', versions: '版本', encoding: '编码器', rate: '链路上限', link: '链路', vifScript: '网络脚本', workload: '负载',
      verify: '页比较', scrub: '略去的页清零', settle: '运行前静置', directions: '方向',
    },
    nothingLost: '是否有丢失？',
    run: '运行',
    outcome: '结果',
    outcomes: { migrated: '已迁移', aborted: '已撤销', failed: '失败', unknown: '未知' },
    unfinished: '此次运行没有结果：仍在进行，或控制台先于它结束。',
    hashes: '比较的页 / 不同的页',
    bad: '虚拟机自检的坏页',
    roundsTitle: '轮次',
    rounds: ['轮次', '页', '略去', '常量', '此前发过', '差异', '编码', '原样', 'MB', '秒'],
    final: '（暂停）',
    encoders: ['编码方式', '页', 'MB', 'CPU，秒'],
    cache: '再次发送的 {lookups} 页中，缓存里仍有 {hits} 页。',
    sweep: '各链路速率下的各种方式',
    sweepNote: '每个数据来自一次运行：微小差别不算差别。时间 ÷ 原生以同一速率下的原生为准。',
    sweepHead: { link: '链路', fastest: '最快' },
    sweepLines: ['总时间，秒', '发送，MB', '时间 ÷ 原生'],
    notMeasured: '未测量',
    crossover: '在 {low} 与 {high} 之间，最快的方式从 {from} 变为 {to}。',
    noCrossover: '各速率下最快的方式相同。',
    hosts: '主机',
    host: '主机',
    kernel: 'dom0 内核',
    agent: '代理',
    foot: '由 ME2 实验控制台生成。MB 为 10⁶ 字节；比值为 ME2 ÷ 原生，小于 1 表示更少。只含数据，不含虚拟机内存内容。',
  },
}
