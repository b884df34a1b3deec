// Annotations: a dashed line where something happened, with a small triangle below the chart.

const marked = new WeakSet();

/** Adds the annotations to a chart. */
export function marks(builder, { annotations, theme }) {
  if (marked.has(builder) || annotations.length === 0) {
    return;
  }
  marked.add(builder);
  builder.addHook('draw', ({ ctx, bbox, valToPos }) => {
    ctx.save();
    for (const { time, color } of annotations) {
      const x = Math.round(valToPos(time, 'x', true)) + 0.5;
      if (x < bbox.left || x > bbox.left + bbox.width) {
        continue;
      }
      ctx.strokeStyle = ctx.fillStyle = theme.visualization.getColorByName(color);
      ctx.lineWidth = 2;
      ctx.setLineDash([5, 5]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.beginPath();
      const bottom = bbox.top + bbox.height;
      ctx.moveTo(x, bottom);
      ctx.lineTo(x - 5, bottom + 5);
      ctx.lineTo(x + 5, bottom + 5);
      ctx.fill();
    }
    ctx.restore();
  });
}
