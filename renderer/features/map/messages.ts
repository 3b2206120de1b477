import { words } from '../../app/words.ts'

export const mapMessages = words({
  views: { label: 'Map or table', map: 'Map', table: 'Table' },
  png: 'PNG',
  columns: { class: 'Class', group: 'Group', share: 'Share', all: 'All' },
  hints: { zoom: 'zoom', run: 'next run', whole: 'whole map' },
  keys: {
    runs: 'Run before and after',
    frames: 'Page or block before and after',
    ends: 'First and last one',
    zoom: 'Larger and smaller',
    whole: 'Whole map',
    pan: 'Move the map',
    table: 'Map or table',
    png: 'Save as PNG',
  },
} as const, {
  views: { label: '图或表格', map: '图', table: '表格' },
  png: 'PNG',
  columns: { class: '类别', group: '分组', share: '占比', all: '全部' },
  hints: { zoom: '缩放', run: '下一段', whole: '整张图' },
  keys: {
    runs: '上一段和下一段',
    frames: '上一页（块）和下一页（块）',
    ends: '第一个和最后一个',
    zoom: '放大和缩小',
    whole: '整张图',
    pan: '移动图',
    table: '图或表格',
    png: '保存为 PNG',
  },
})
