import '@mantine/charts/styles.layer.css'
import { AreaChart, BarChart } from '@mantine/charts'

interface FiguresChartProps {
  kind: 'area' | 'bar'
  /** What it shows, in a sentence, for those who do not see it. */
  summary: string
  rows: { at: string; [series: string]: string | number }[]
  series: { name: string; label: string; color: string }[]
}

const margin = { top: 12, right: 6, bottom: 4, left: 4 }

/** Figures over time, to be looked at. */
export function FiguresChart({ kind, summary, rows, series }: FiguresChartProps) {
  const shared = {
    ...{ h: '100%', data: rows, dataKey: 'at', series, withLegend: series.length > 1 },
    ...{ tickLine: 'none' as const, gridAxis: 'x' as const, strokeDasharray: '3 3' },
    xAxisProps: { minTickGap: 24 },
    // All of them, each on its line: left to itself the topmost is moved down to fit.
    yAxisProps: { allowDecimals: false, width: 44, interval: 0 as const },
    legendProps: { verticalAlign: 'bottom' as const },
  }
  return (
    <div className="sp-chart" role="img" aria-label={summary}>
      {kind === 'area' ? (
        <AreaChart
          {...shared}
          {...{ withDots: false, curveType: 'linear', fillOpacity: 0.2 }}
          areaChartProps={{ accessibilityLayer: false, margin }}
          areaProps={{ isAnimationActive: false }}
        />
      ) : (
        <BarChart
          {...{ ...shared, type: 'stacked' }}
          barChartProps={{ accessibilityLayer: false, margin }}
          barProps={{ isAnimationActive: false }}
        />
      )}
    </div>
  )
}
